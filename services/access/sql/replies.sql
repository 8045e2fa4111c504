-- name: schema
-- What was answered to requests that bore an idempotency key; instants are seconds since 1970. No status: not answered
-- yet, and at until given up.
CREATE TABLE IF NOT EXISTS reply (
  credential TEXT NOT NULL,
  name TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  until INTEGER NOT NULL,
  status INTEGER,
  headers TEXT,  -- an object in JSON
  body BLOB,
  PRIMARY KEY (credential, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reply_until ON reply (until);

-- name: forget_old
-- What is no longer kept.
DELETE FROM reply WHERE until <= :now;

-- name: claim
-- Of any number of requests with one key, one goes on.
INSERT INTO reply (credential, name, fingerprint, until) VALUES (:credential, :name, :fingerprint, :claimed)
ON CONFLICT (credential, name) DO NOTHING;

-- name: get
-- What is kept under a key.
SELECT fingerprint, status, headers, body FROM reply WHERE credential = :credential AND name = :name;

-- name: answer
-- The request was answered.
UPDATE reply SET until = :until, status = :status, headers = :headers, body = :body
WHERE credential = :credential AND name = :name AND status IS NULL AND until = :claimed;

-- name: forget
-- The request may be sent again as if it had not been.
DELETE FROM reply WHERE credential = :credential AND name = :name AND status IS NULL AND until = :claimed;
