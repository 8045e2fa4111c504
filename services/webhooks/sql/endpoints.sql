-- name: add
INSERT INTO endpoint
    (id, url, types, clinics, state, why, disabled, created, secret, position, turn, tried, failures)
SELECT :id, :url, :types, :clinics, :state, :why, :disabled, :created, :secret, :position, 0, '', 0
WHERE (SELECT count(*) FROM endpoint) < :most;

-- name: get
SELECT id, url, types, clinics, state, why, disabled, created, secret, secret_before, before_until, position
FROM endpoint WHERE id = :id;

-- name: get_to_change
SELECT id, url, types, clinics, state, why, disabled, created, secret, secret_before, before_until, position
FROM endpoint WHERE id = :id /*+ FOR UPDATE */;

-- name: all
SELECT id, url, types, clinics, state, why, disabled, created, secret, secret_before, before_until, position
FROM endpoint ORDER BY created, id;

-- name: put
UPDATE endpoint SET url = :url, types = :types, state = :state, why = :why, disabled = :disabled, position = :position,
    turn = turn + 1, leased_until = NULL, hold_until = NULL, failures = 0, failing_since = NULL
WHERE id = :id;

-- name: rotate
UPDATE endpoint SET secret = :secret, secret_before = :before, before_until = :until WHERE id = :id;

-- name: remove
DELETE FROM endpoint WHERE id = :id;

-- name: remove_deliveries
DELETE FROM delivery WHERE endpoint_id = :id;

-- name: begin_anew
UPDATE delivery SET not_before = :now, failures = 0 WHERE endpoint_id = :id AND state = 'waiting';

-- name: drop_waiting
DELETE FROM delivery WHERE endpoint_id = :id AND state = 'waiting';

-- name: count
SELECT state, count(*) AS number FROM endpoint GROUP BY state;
