-- The views of one network. Every table can be made again from the log; tracking says how far the log is applied.
CREATE TABLE IF NOT EXISTS tracking (
    source      TEXT PRIMARY KEY,
    position    INTEGER NOT NULL,
    next_offset INTEGER
) WITHOUT ROWID;

-- The events of each case as they came, and when: what a course is folded from, as it is and as it could be known.
CREATE TABLE IF NOT EXISTS fact (
    position INTEGER PRIMARY KEY,
    case_ref TEXT NOT NULL,
    received TEXT NOT NULL,
    state    BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS fact_case ON fact (case_ref, position);

-- One row per case: what lists, sums and the alerts ask for. position is that of the last event applied to it; within
-- a shard rows change in the order of their positions. pending: what it waits for as JSON, see pending.py.
CREATE TABLE IF NOT EXISTS case_view (
    case_ref      TEXT PRIMARY KEY,
    shard         INTEGER NOT NULL,
    clinic        TEXT NOT NULL,
    client_ref    TEXT,
    therapist_ref TEXT,
    is_open       INTEGER NOT NULL,
    ending        TEXT,
    counted       INTEGER NOT NULL,
    first_at      TEXT NOT NULL,
    sessions      INTEGER NOT NULL,
    pending       TEXT,
    position      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS case_view_position ON case_view (shard, position);
CREATE INDEX IF NOT EXISTS case_view_therapist ON case_view (therapist_ref);
CREATE INDEX IF NOT EXISTS case_view_pending ON case_view (case_ref) WHERE pending IS NOT NULL;
CREATE INDEX IF NOT EXISTS case_view_client ON case_view (client_ref);

CREATE TABLE IF NOT EXISTS assignment (
    case_ref      TEXT NOT NULL,
    place         INTEGER NOT NULL,
    therapist_ref TEXT NOT NULL,
    role          TEXT NOT NULL,
    since         TEXT NOT NULL,
    until         TEXT,
    PRIMARY KEY (case_ref, place)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS assignment_therapist ON assignment (therapist_ref, role);

-- One row per case and series of the client's: what figures are made of. points: [[at, session, value], ...] as JSON.
CREATE TABLE IF NOT EXISTS series_view (
    case_ref   TEXT NOT NULL,
    instrument TEXT NOT NULL,
    version    TEXT NOT NULL,
    points     TEXT NOT NULL,
    PRIMARY KEY (case_ref, instrument, version)
) WITHOUT ROWID;

-- Every merge of client references, and when it was first told.
CREATE TABLE IF NOT EXISTS merge (
    from_ref TEXT NOT NULL,
    into_ref TEXT NOT NULL,
    received TEXT NOT NULL,
    PRIMARY KEY (from_ref, into_ref)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS merge_into ON merge (into_ref);

-- Whom any event of a case has ever named, also one that was retracted since: where past caseloads are looked for.
CREATE TABLE IF NOT EXISTS named (
    therapist_ref TEXT NOT NULL,
    case_ref      TEXT NOT NULL,
    PRIMARY KEY (therapist_ref, case_ref)
) WITHOUT ROWID;

-- Norm sets that were adopted: each a whole event, and when it came.
CREATE TABLE IF NOT EXISTS norm_set (
    version        TEXT PRIMARY KEY,
    effective_from TEXT NOT NULL,
    received       TEXT NOT NULL,
    state          BLOB NOT NULL
);

-- What became of alerts: one row per event about one, as it happened; a later retraction takes none away.
CREATE TABLE IF NOT EXISTS feed_item (
    position  INTEGER PRIMARY KEY,
    id        TEXT NOT NULL,
    type      TEXT NOT NULL,
    at        TEXT NOT NULL,
    alert_ref TEXT NOT NULL,
    case_ref  TEXT NOT NULL,
    clinic    TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS feed_item_clinic ON feed_item (clinic, position);
CREATE INDEX IF NOT EXISTS feed_item_alert ON feed_item (alert_ref);

-- Cases whose events could not be folded: their facts are kept, their other rows wait, all other cases flow.
CREATE TABLE IF NOT EXISTS parked (
    case_ref TEXT PRIMARY KEY,
    shard    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    error    TEXT NOT NULL
) WITHOUT ROWID;
