-- name: schema
-- Who was refused what; a row is never changed. A network's rows are numbered without gaps, in the order in which they
-- can be read; those of the network '' are of callers whom no credential names. ``at`` is seconds since 1970.
CREATE TABLE IF NOT EXISTS audit_head (
  network TEXT PRIMARY KEY,
  number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (
  network TEXT NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  credential TEXT NOT NULL,
  method TEXT NOT NULL,
  route TEXT NOT NULL,
  status INTEGER NOT NULL,
  problem TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (network, number)
) STRICT, WITHOUT ROWID;

-- name: take_number
-- Whoever writes next waits until this transaction is over, so that no number is seen before a lower one.
INSERT INTO audit_head (network, number) VALUES (:network, 1)
ON CONFLICT (network) DO UPDATE SET number = audit_head.number + 1 RETURNING number;

-- name: add
-- One row.
INSERT INTO audit (network, number, at, credential, method, route, status, problem, count)
VALUES (:network, :number, :at, :credential, :method, :route, :status, :problem, :count);

-- name: after
-- A network's rows after a number.
SELECT number, at, credential, method, route, status, problem, count FROM audit
WHERE network = :network AND number > :after ORDER BY number LIMIT :limit;
