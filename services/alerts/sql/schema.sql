-- What the alerts of one network have decided and have yet to do. Unlike a view this cannot be made again.
CREATE TABLE IF NOT EXISTS checkpoint (shard INTEGER PRIMARY KEY, position INTEGER NOT NULL);

-- When a case is to be looked at again though nothing happens to it.
CREATE TABLE IF NOT EXISTS due (
    case_ref TEXT PRIMARY KEY,
    shard    INTEGER NOT NULL,
    due_at   TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS due_at ON due (shard, due_at);

-- One letter per alert. message is what goes over the wire, and is dropped when that is over; delivered is when
-- the mail server took it; last_outcome is one of services/alerts/mail.py, never a server's own words.
CREATE TABLE IF NOT EXISTS letter (
    alert_ref     TEXT PRIMARY KEY,
    case_ref      TEXT NOT NULL,
    clinic        TEXT NOT NULL,
    therapist_ref TEXT NOT NULL,
    reason        TEXT NOT NULL,
    recipient     TEXT NOT NULL,
    message_id    TEXT NOT NULL,
    message       BLOB,
    created       TEXT NOT NULL,
    not_before    TEXT NOT NULL,
    leased_until  TEXT,
    attempts      INTEGER NOT NULL DEFAULT 0,
    delivered     TEXT,
    state         TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed')),
    last_outcome  TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS letter_waiting ON letter (not_before) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS letter_case ON letter (case_ref);
CREATE INDEX IF NOT EXISTS letter_therapist ON letter (therapist_ref, created);

-- What a letter's link opens. The token itself stands in the letter alone.
CREATE TABLE IF NOT EXISTS link (
    token_sha256  BLOB PRIMARY KEY,
    alert_ref     TEXT NOT NULL,
    case_ref      TEXT NOT NULL,
    therapist_ref TEXT NOT NULL,
    expires       TEXT NOT NULL
) WITHOUT ROWID;
