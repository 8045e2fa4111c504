-- The addresses that are told what becomes of alerts. Secrets stand here as they are, as whoever signs needs them.
-- types and clinics are JSON lists, NULL where all are meant; position is that of the last item that was looked at for
-- this endpoint. turn counts who took it to send to it: what an earlier one has to note no longer counts.
CREATE TABLE IF NOT EXISTS endpoint (
    id            TEXT PRIMARY KEY,
    url           TEXT NOT NULL,
    types         TEXT,
    clinics       TEXT,
    state         TEXT NOT NULL CHECK (state IN ('enabled', 'disabled')),
    why           TEXT CHECK (why IN ('by_request', 'gone', 'failing')),
    disabled      TEXT,
    created       TEXT NOT NULL,
    secret        TEXT NOT NULL,
    secret_before TEXT,
    before_until  TEXT,
    position      INTEGER NOT NULL,
    turn          INTEGER NOT NULL,
    tried         TEXT NOT NULL,
    leased_until  TEXT,
    hold_until    TEXT,
    failures      INTEGER NOT NULL,
    failing_since TEXT
) WITHOUT ROWID;

-- One row per item and endpoint. body is what is signed; failures counts along the schedule, attempts all of them;
-- last_outcome is one of services/webhooks/schedule.py, never a receiver's own words.
CREATE TABLE IF NOT EXISTS delivery (
    endpoint_id  TEXT NOT NULL,
    position     INTEGER NOT NULL,
    item_id      TEXT NOT NULL,
    type         TEXT NOT NULL,
    body         BLOB NOT NULL,
    created      TEXT NOT NULL,
    not_before   TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts     INTEGER NOT NULL,
    failures     INTEGER NOT NULL,
    last_outcome TEXT,
    last_at      TEXT,
    PRIMARY KEY (endpoint_id, position)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS delivery_item ON delivery (endpoint_id, item_id);
CREATE INDEX IF NOT EXISTS delivery_waiting ON delivery (endpoint_id, not_before) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS delivery_over ON delivery (last_at) WHERE state <> 'waiting';
