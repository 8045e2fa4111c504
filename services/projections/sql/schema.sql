-- The views of one network. Every table can be made again from the log; tracking says how far the log is applied.
CREATE TABLE IF NOT EXISTS tracking (
    source      TEXT PRIMARY KEY,
    position    INTEGER NOT NULL,
    next_offset INTEGER
) WITHOUT ROWID;

-- The events of each case as they came: what a course is folded from.
CREATE TABLE IF NOT EXISTS fact (
    position INTEGER PRIMARY KEY,
    case_ref TEXT NOT NULL,
    state    BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS fact_case ON fact (case_ref, position);

-- One row per case: what lists, sums and the alerts ask for. position is that of the last event applied to it; within
-- a shard rows change in the order of their positions.
CREATE TABLE IF NOT EXISTS case_view (
    case_ref      TEXT PRIMARY KEY,
    shard         INTEGER NOT NULL,
    clinic        TEXT NOT NULL,
    client_ref    TEXT,
    therapist_ref TEXT,
    is_open       INTEGER NOT NULL,
    first_at      TEXT NOT NULL,
    sessions      INTEGER NOT NULL,
    position      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS case_view_position ON case_view (shard, position);
CREATE INDEX IF NOT EXISTS case_view_therapist ON case_view (therapist_ref);

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

-- One row per case and series of the client's: the numbers that a therapist's summary is made of.
CREATE TABLE IF NOT EXISTS series_view (
    case_ref   TEXT NOT NULL,
    instrument TEXT NOT NULL,
    version    TEXT NOT NULL,
    scores     INTEGER NOT NULL,
    first      REAL NOT NULL,
    last       REAL NOT NULL,
    mean       REAL NOT NULL,
    PRIMARY KEY (case_ref, instrument, version)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS merge (from_ref TEXT PRIMARY KEY, into_ref TEXT NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;

-- Cases whose events could not be folded: their facts are kept, their other rows wait, all other cases flow.
CREATE TABLE IF NOT EXISTS parked (
    case_ref TEXT PRIMARY KEY,
    shard    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    error    TEXT NOT NULL
) WITHOUT ROWID;
