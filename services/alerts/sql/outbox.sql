-- name: add_shard
INSERT INTO checkpoint (shard, position) VALUES (?, 0) ON CONFLICT (shard) DO NOTHING;

-- name: positions
SELECT shard, position FROM checkpoint ORDER BY shard;

-- name: take_turn
SELECT position FROM checkpoint WHERE shard = ? /*+ FOR UPDATE SKIP LOCKED */;

-- name: move
UPDATE checkpoint SET position = :position WHERE shard = :shard AND position < :position;

-- name: due
SELECT case_ref FROM due WHERE shard = ? AND due_at <= ? ORDER BY due_at LIMIT ?;

-- name: set_due
INSERT INTO due (case_ref, shard, due_at) VALUES (?, ?, ?)
ON CONFLICT (case_ref) DO UPDATE SET shard = excluded.shard, due_at = excluded.due_at;

-- name: unset_due
DELETE FROM due WHERE case_ref = ?;

-- name: mails_since
SELECT count(*) AS mails FROM letter WHERE therapist_ref = ? AND created > ? AND state <> 'failed';

-- name: letters_of
SELECT alert_ref, created FROM letter WHERE case_ref = ? AND state <> 'failed';

-- name: add_letter
INSERT INTO letter
    (alert_ref, case_ref, clinic, therapist_ref, reason, recipient, message_id, message, created, not_before)
VALUES
    (:alert_ref, :case_ref, :clinic, :therapist_ref, :reason, :recipient, :message_id, :message, :created, :created)
ON CONFLICT (alert_ref) DO NOTHING;

-- name: add_link
INSERT INTO link (token_sha256, alert_ref, case_ref, therapist_ref, expires) VALUES (?, ?, ?, ?, ?);

-- name: link
SELECT alert_ref, case_ref, therapist_ref, expires FROM link WHERE token_sha256 = ?;

-- name: lease
UPDATE letter SET leased_until = :until, attempts = attempts + 1
WHERE alert_ref = (
    SELECT alert_ref FROM letter
    WHERE state = 'waiting' AND not_before <= :now AND (leased_until IS NULL OR leased_until <= :now)
    ORDER BY not_before LIMIT 1 /*+ FOR UPDATE SKIP LOCKED */
)
RETURNING alert_ref, case_ref, clinic, reason, recipient, message_id, message, created, attempts, delivered;

-- name: release
UPDATE letter SET leased_until = NULL WHERE leased_until IS NOT NULL;

-- name: delivered
UPDATE letter SET delivered = :now, last_outcome = 'sent' WHERE alert_ref = :alert_ref;

-- name: sent
UPDATE letter SET state = 'sent', message = NULL, leased_until = NULL WHERE alert_ref = :alert_ref;

-- name: put_off
UPDATE letter SET not_before = :until, leased_until = NULL, last_outcome = :outcome
WHERE alert_ref = :alert_ref AND attempts = :attempts AND state = 'waiting';

-- name: gave_up
UPDATE letter SET state = 'failed', message = NULL, leased_until = NULL, last_outcome = :outcome
WHERE alert_ref = :alert_ref AND attempts = :attempts AND state = 'waiting';

-- name: attempt
SELECT 1 FROM letter WHERE alert_ref = :alert_ref AND attempts = :attempts AND state = 'waiting';

-- name: backlog
SELECT count(*) AS pending, min(created) AS oldest FROM letter WHERE state = 'waiting';
