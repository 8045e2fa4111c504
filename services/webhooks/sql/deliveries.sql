-- name: claim
SELECT position FROM endpoint WHERE id = :id AND state = 'enabled' /*+ FOR UPDATE SKIP LOCKED */;

-- name: move
UPDATE endpoint SET position = :position WHERE id = :id;

-- name: forget
DELETE FROM delivery WHERE state <> 'waiting' AND last_at <= :before;

-- name: add
INSERT INTO delivery (endpoint_id, position, item_id, type, body, created, not_before, state, attempts, failures)
VALUES (:endpoint_id, :position, :item_id, :type, :body, :now, :now, 'waiting', 0, 0);

-- name: due
SELECT 1 FROM endpoint
WHERE state = 'enabled'
  AND (hold_until IS NULL OR hold_until <= :now) AND (leased_until IS NULL OR leased_until <= :now)
  AND EXISTS (SELECT 1 FROM delivery
              WHERE endpoint_id = endpoint.id AND delivery.state = 'waiting' AND not_before <= :now)
LIMIT 1;

-- name: lease
UPDATE endpoint SET leased_until = :until, turn = turn + 1, tried = :now
WHERE id = (
    SELECT id FROM endpoint
    WHERE state = 'enabled'
      AND (hold_until IS NULL OR hold_until <= :now) AND (leased_until IS NULL OR leased_until <= :now)
      AND EXISTS (SELECT 1 FROM delivery
                  WHERE endpoint_id = endpoint.id AND delivery.state = 'waiting' AND not_before <= :now)
    ORDER BY tried, id LIMIT 1 /*+ FOR UPDATE SKIP LOCKED */
)
RETURNING id, url, secret, secret_before, before_until, turn, failures, failing_since;

-- name: next
UPDATE delivery SET attempts = attempts + 1
WHERE endpoint_id = :id AND position = (
    SELECT min(position) FROM delivery WHERE endpoint_id = :id AND state = 'waiting' AND not_before <= :now
)
RETURNING position, item_id, body, attempts, failures;

-- name: give_back
UPDATE endpoint SET leased_until = NULL WHERE id = :id;

-- name: release
UPDATE endpoint SET leased_until = NULL WHERE leased_until IS NOT NULL;

-- name: noted
UPDATE endpoint SET leased_until = NULL, hold_until = :hold_until, failures = :failures, failing_since = :failing_since
WHERE id = :id AND turn = :turn;

-- name: disable
UPDATE endpoint SET state = 'disabled', why = :why, disabled = :now WHERE id = :id;

-- name: settle
UPDATE delivery SET state = :state, failures = :failures, not_before = :not_before, last_outcome = :outcome, last_at = :now
WHERE endpoint_id = :id AND position = :position;

-- name: hurry
UPDATE delivery SET not_before = :now WHERE endpoint_id = :id AND state = 'waiting' AND not_before > :now;

-- name: page
SELECT item_id, position, type, state, attempts, last_outcome, last_at, not_before FROM delivery
WHERE endpoint_id = :id AND position > :after ORDER BY position LIMIT :limit;

-- name: one
SELECT item_id, position, type, state, attempts, last_outcome, last_at, not_before FROM delivery
WHERE endpoint_id = :id AND item_id = :item_id;

-- name: again
UPDATE delivery SET state = 'waiting', not_before = :now, failures = 0 WHERE endpoint_id = :id AND item_id = :item_id;

-- name: backlog
SELECT count(*) AS pending, min(created) AS oldest FROM delivery
WHERE state = 'waiting' AND endpoint_id IN (SELECT id FROM endpoint WHERE state = 'enabled');
