-- name: schema
-- How far each import has come. Its name is its client's own, unique for the credential that sent it. The turn counts
-- the requests that have worked on it: only the last may, until leased_until. Instants are texts in UTC.
CREATE TABLE IF NOT EXISTS import_run (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  turn INTEGER NOT NULL DEFAULT 0,
  leased_until TEXT NOT NULL DEFAULT '',
  touched TEXT NOT NULL,
  accepted INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0,
  position INTEGER,
  next_line INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
-- The lines that were refused, with the problem document, which holds nothing of the line.
CREATE TABLE IF NOT EXISTS import_error (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  line INTEGER NOT NULL,
  id TEXT,
  problem TEXT NOT NULL,
  PRIMARY KEY (owner, name, line)
) STRICT, WITHOUT ROWID;

-- name: add
INSERT INTO import_run (owner, name, touched) VALUES (:owner, :name, :now) ON CONFLICT (owner, name) DO NOTHING;

-- name: take
-- Its turn, unless it is done or another one has it.
UPDATE import_run SET turn = turn + 1, leased_until = :until, touched = :now
WHERE owner = :owner AND name = :name AND done = 0 AND leased_until <= :now
RETURNING turn, done, leased_until, accepted, duplicates, rejected, position, next_line;

-- name: run
SELECT turn, done, leased_until, accepted, duplicates, rejected, position, next_line FROM import_run
WHERE owner = :owner AND name = :name;

-- name: record
-- Nothing, where another one has the turn.
UPDATE import_run SET touched = :now, leased_until = :until, accepted = :accepted, duplicates = :duplicates,
  rejected = :rejected, position = :position, next_line = :next_line
WHERE owner = :owner AND name = :name AND turn = :turn AND done = 0;

-- name: end
UPDATE import_run SET touched = :now, leased_until = '', done = :done
WHERE owner = :owner AND name = :name AND turn = :turn;

-- name: release
UPDATE import_run SET leased_until = '' WHERE leased_until <> '';

-- name: errors
SELECT line, id, problem FROM import_error WHERE owner = :owner AND name = :name AND line > :after
ORDER BY line LIMIT :limit;

-- name: forget_errors
DELETE FROM import_error WHERE (owner, name) IN (SELECT owner, name FROM import_run WHERE touched < :before);

-- name: forget
DELETE FROM import_run WHERE touched < :before;
