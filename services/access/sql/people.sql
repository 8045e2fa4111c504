-- name: schema
-- The therapists of one network.
CREATE TABLE IF NOT EXISTS therapist (
  ref TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  supervisor_ref TEXT,
  clinic TEXT
) STRICT, WITHOUT ROWID;

-- name: held
-- One therapist, whom nobody else changes before this transaction ends.
SELECT ref, name, email, time_zone, supervisor_ref, clinic FROM therapist WHERE ref = :ref /*+ FOR UPDATE */;

-- name: enter
-- A therapist who was not there.
INSERT INTO therapist (ref, name, email, time_zone, supervisor_ref, clinic)
VALUES (:ref, :name, :email, :time_zone, :supervisor_ref, :clinic) ON CONFLICT (ref) DO NOTHING;

-- name: replace
-- The last entry of a therapist stands.
UPDATE therapist SET (name, email, time_zone, supervisor_ref, clinic) = (:name, :email, :time_zone, :supervisor_ref, :clinic)
WHERE ref = :ref;

-- name: get
-- One therapist.
SELECT ref, name, email, time_zone, supervisor_ref, clinic FROM therapist WHERE ref = :ref;

-- name: after
-- The next ones, in the order of their references.
SELECT ref, name, email, time_zone, supervisor_ref, clinic FROM therapist WHERE ref > :ref ORDER BY ref LIMIT :limit;

-- name: all
-- Everyone, in the order of their references.
SELECT ref, name, email, time_zone, supervisor_ref, clinic FROM therapist ORDER BY ref;
