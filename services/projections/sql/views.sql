-- name: claim
SELECT position FROM tracking WHERE source = ? /*+ FOR UPDATE */;

-- name: claim_all
SELECT source FROM tracking ORDER BY source /*+ FOR UPDATE */;

-- name: move
UPDATE tracking SET position = ?, next_offset = ? WHERE source = ?;

-- name: move_all
UPDATE tracking SET position = ?, next_offset = NULL;

-- name: set_offset
UPDATE tracking SET next_offset = ? WHERE source = ?;

-- name: known_cases
SELECT count(DISTINCT case_ref) AS number FROM fact;

-- name: positions
SELECT position FROM fact;

-- name: some_cases
SELECT case_ref FROM case_view ORDER BY random() LIMIT ?;

-- name: case_row
SELECT clinic, client_ref, therapist_ref, is_open, ending, counted, first_at, sessions, pending, position FROM case_view WHERE case_ref = ?;

-- name: assignment_rows
SELECT place, therapist_ref, role, since, until FROM assignment WHERE case_ref = ? ORDER BY place;

-- name: series_rows
SELECT instrument, version, points FROM series_view WHERE case_ref = ? ORDER BY instrument, version;

-- name: unfolded
SELECT case_ref, max(position) AS position FROM fact
WHERE case_ref > ? AND NOT EXISTS (
    SELECT 1 FROM case_view
    WHERE case_view.case_ref = fact.case_ref
      AND case_view.position = (SELECT max(newest.position) FROM fact newest WHERE newest.case_ref = fact.case_ref)
)
GROUP BY case_ref ORDER BY case_ref LIMIT ?;

-- name: add_source
INSERT INTO tracking (source, position) VALUES (?, 0) ON CONFLICT (source) DO NOTHING;

-- name: marks
SELECT source, position, next_offset FROM tracking;

-- name: position
SELECT min(position) AS position FROM tracking;

-- name: facts
SELECT case_ref, state FROM fact WHERE case_ref BETWEEN ? AND ? ORDER BY case_ref, position;

-- name: facts_by
SELECT state FROM fact WHERE case_ref = ? AND received <= ? ORDER BY position;

-- name: newest
SELECT max(position) AS position FROM fact WHERE case_ref = ?;

-- name: put_case
INSERT INTO case_view (case_ref, shard, clinic, client_ref, therapist_ref, is_open, ending, counted, first_at,
                       sessions, pending, position)
VALUES (:case_ref, :shard, :clinic, :client_ref, :therapist_ref, :is_open, :ending, :counted, :first_at,
        :sessions, :pending, :position)
ON CONFLICT (case_ref) DO UPDATE SET
    shard = excluded.shard, clinic = excluded.clinic, client_ref = excluded.client_ref, therapist_ref = excluded.therapist_ref,
    is_open = excluded.is_open, ending = excluded.ending, counted = excluded.counted, first_at = excluded.first_at, sessions = excluded.sessions,
    pending = excluded.pending, position = excluded.position;

-- name: drop_assignments
DELETE FROM assignment WHERE case_ref = ?;

-- name: drop_series
DELETE FROM series_view WHERE case_ref = ?;

-- name: put_merge
INSERT INTO merge (from_ref, into_ref, received) VALUES (?, ?, ?)
ON CONFLICT (from_ref, into_ref) DO UPDATE SET received = excluded.received WHERE excluded.received < merge.received;

-- name: merges
SELECT from_ref, max(into_ref) AS into_ref FROM merge GROUP BY from_ref;

-- name: merges_by
SELECT from_ref, max(into_ref) AS into_ref FROM merge WHERE received <= ? GROUP BY from_ref;

-- name: put_named
INSERT INTO named (therapist_ref, case_ref) VALUES (?, ?) ON CONFLICT (therapist_ref, case_ref) DO NOTHING;

-- name: naming
SELECT case_ref FROM named WHERE therapist_ref = ? ORDER BY case_ref;

-- name: put_norm_set
INSERT INTO norm_set (version, effective_from, received, state) VALUES (?, ?, ?, ?) ON CONFLICT (version) DO NOTHING;

-- name: norm_versions
SELECT version FROM norm_set WHERE received <= ? ORDER BY effective_from, version;

-- name: norm_set
SELECT state FROM norm_set WHERE version = ?;

-- name: pending
SELECT case_ref, clinic, pending FROM case_view
WHERE pending IS NOT NULL AND case_ref > ? AND case_ref NOT IN (SELECT case_ref FROM parked) ORDER BY case_ref LIMIT ?;

-- name: touched
SELECT case_ref, position FROM case_view WHERE shard = ? AND position > ? ORDER BY position LIMIT ?;

-- name: caseload
SELECT DISTINCT case_ref FROM assignment
WHERE therapist_ref = :therapist_ref AND role <> 'supervisor' AND since <= :now AND (until IS NULL OR until > :now)
ORDER BY case_ref;

-- name: supervised
SELECT DISTINCT case_ref FROM assignment
WHERE therapist_ref = :therapist_ref AND role = 'supervisor' AND since <= :now AND (until IS NULL OR until > :now)
ORDER BY case_ref;

-- name: counted_cases
SELECT case_ref, therapist_ref, is_open, ending, sessions FROM case_view
WHERE counted = 1 AND therapist_ref IS NOT NULL ORDER BY case_ref;

-- name: counted_series
SELECT case_ref, instrument, version, points FROM series_view JOIN case_view USING (case_ref)
WHERE counted = 1 AND therapist_ref IS NOT NULL ORDER BY case_ref, instrument, version;

-- name: open_and_closed
SELECT sum(is_open) AS open, sum(1 - is_open) AS closed FROM case_view WHERE therapist_ref = ?;

-- name: merged_with
SELECT from_ref, into_ref FROM merge WHERE from_ref = :ref OR into_ref = :ref;

-- name: cases_of_client
SELECT case_ref, clinic FROM case_view WHERE client_ref = ?;

-- name: all_cases
SELECT case_ref FROM case_view ORDER BY case_ref;

-- name: count_cases
SELECT count(*) AS number FROM case_view;

-- name: park
INSERT INTO parked (case_ref, shard, position, error) VALUES (?, ?, ?, ?) ON CONFLICT (case_ref) DO NOTHING;

-- name: unpark
DELETE FROM parked WHERE case_ref = ?;

-- name: parked
SELECT case_ref, shard, position, error FROM parked ORDER BY position;

-- name: parked_case
SELECT shard FROM parked WHERE case_ref = ?;

-- name: count_parked
SELECT count(*) AS number FROM parked;

-- name: empty_fact
DELETE FROM fact;

-- name: empty_case_view
DELETE FROM case_view;

-- name: empty_assignment
DELETE FROM assignment;

-- name: empty_series_view
DELETE FROM series_view;

-- name: empty_merge
DELETE FROM merge;

-- name: empty_named
DELETE FROM named;

-- name: empty_norm_set
DELETE FROM norm_set;

-- name: empty_feed_item
DELETE FROM feed_item;

-- name: empty_parked
DELETE FROM parked;
