-- name: create
-- The table is the library's, with a declared row id that is never given out twice, and with what an append answers by.
CREATE TABLE stored_events (
    rowid INTEGER PRIMARY KEY AUTOINCREMENT,
    originator_id TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state BLOB NOT NULL,
    ingest_key BLOB NOT NULL UNIQUE,
    digest BLOB NOT NULL,
    received TEXT NOT NULL,
    UNIQUE (originator_id, originator_version)
) STRICT;

-- name: append
-- The event follows the last one of its stream, unless its key is there.
INSERT INTO stored_events (originator_id, originator_version, topic, state, ingest_key, digest, received)
VALUES (
    ?,
    (SELECT coalesce(max(originator_version), 0) + 1 FROM stored_events WHERE originator_id = ?),
    ?, ?, ?, ?, ?
)
ON CONFLICT (ingest_key) DO NOTHING;

-- name: kept
-- What is kept under a key, and whether it lies beyond the position at which this append began.
SELECT rowid, digest, rowid > ? FROM stored_events WHERE ingest_key = ?;

-- name: rows
-- The events that follow a position.
SELECT rowid, received, topic, state, originator_id, ingest_key FROM stored_events
WHERE rowid > ? ORDER BY rowid LIMIT ?;

-- name: row
-- The event with a key.
SELECT rowid, received, topic, state, originator_id, ingest_key FROM stored_events WHERE ingest_key = ?;
