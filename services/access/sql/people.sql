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

-- name: put
-- The last entry of a therapist stands.
INSERT INTO therapist (ref, name, email, time_zone, supervisor_ref, clinic)
VALUES (:ref, :name, :email, :time_zone, :supervisor_ref, :clinic)
ON CONFLICT (ref) DO UPDATE SET (name, email, time_zone, supervisor_ref, clinic) =
  (excluded.name, excluded.email, excluded.time_zone, excluded.supervisor_ref, excluded.clinic);

-- name: get
-- One therapist.
SELECT ref, name, email, time_zone, supervisor_ref, clinic FROM therapist WHERE ref = :ref;

-- name: all
-- Everyone, in the order of their references.
SELECT ref, name, email, time_zone, supervisor_ref, clinic FROM therapist ORDER BY ref;
