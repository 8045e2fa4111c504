-- name: schema
-- How far the clock of a network for trying out is ahead of the real one, in microseconds, and the mails that were sent
-- there; no other network has rows here.
CREATE TABLE IF NOT EXISTS sandbox_clock (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  ahead INTEGER NOT NULL CHECK (ahead >= 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sandbox_mail (
  message_id TEXT PRIMARY KEY,
  kept TEXT NOT NULL,
  message BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- name: ahead
SELECT ahead FROM sandbox_clock;

-- name: forward
INSERT INTO sandbox_clock (one, ahead) VALUES (1, :by)
ON CONFLICT (one) DO UPDATE SET ahead = sandbox_clock.ahead + excluded.ahead;

-- name: keep
-- The same letter can come twice.
INSERT INTO sandbox_mail (message_id, kept, message) VALUES (:message_id, :kept, :message)
ON CONFLICT (message_id) DO NOTHING;

-- name: mails
SELECT message FROM sandbox_mail ORDER BY kept DESC, message_id DESC LIMIT :limit;
