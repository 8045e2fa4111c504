-- name: create_schema
-- A network's log has a schema of its own.
CREATE SCHEMA IF NOT EXISTS {schema};

-- name: create
-- The table has the library's columns, and what an append answers by.
CREATE TABLE {schema}.stored_events (
    notification_id bigserial PRIMARY KEY,
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    ingest_key bytea NOT NULL UNIQUE,
    digest bytea NOT NULL,
    received timestamptz NOT NULL,
    UNIQUE (originator_id, originator_version)
);

-- name: create_version
-- Which release's schema this is.
CREATE TABLE {schema}.eventlog_version (version integer NOT NULL);

-- name: set_version
-- The schema was made by this release.
INSERT INTO {schema}.eventlog_version VALUES ({version});

-- name: has_version
-- Was a schema made at all?
SELECT to_regclass(%s) IS NOT NULL;

-- name: version
-- Whose schema is it?
SELECT version FROM {schema}.eventlog_version;

-- name: lock
-- Writers queue here, so that positions become visible in the order in which they were minted. A table lock would do
-- the same, and wait for VACUUM and ANALYZE.
SELECT pg_advisory_xact_lock({lock});

-- name: append
-- Each event whose key is new follows the last one of its stream; then what is kept under every key. It must be a
-- statement of its own after the lock, as it sees what was committed before it began. The lookups stay scalar
-- subqueries: a join could be planned as a scan of the whole log.
WITH fresh AS (
    INSERT INTO {schema}.stored_events
        (originator_id, originator_version, topic, state, ingest_key, digest, received)
    SELECT
        entry.stream,
        coalesce((SELECT max(e.originator_version) FROM {schema}.stored_events e WHERE e.originator_id = entry.stream), 0)
            + row_number() OVER (PARTITION BY entry.stream ORDER BY entry.place),
        entry.topic, entry.state, entry.key, entry.digest, %(received)b
    FROM unnest(
        %(streams)b::text[]::uuid[], %(topics)b::text[], %(states)b::bytea[], %(keys)b::bytea[], %(digests)b::bytea[]
    ) WITH ORDINALITY AS entry (stream, topic, state, key, digest, place)
    WHERE (SELECT true FROM {schema}.stored_events e WHERE e.ingest_key = entry.key) IS NULL
    ORDER BY entry.place
    RETURNING ingest_key, notification_id, digest
)
SELECT ingest_key, notification_id, digest, true FROM fresh
UNION ALL
SELECT ingest_key, notification_id, digest, false FROM {schema}.stored_events WHERE ingest_key = ANY (%(keys)b);

-- name: rows
-- The events that follow a position.
SELECT notification_id, received, topic, state, originator_id, ingest_key FROM {schema}.stored_events
WHERE notification_id > %b ORDER BY notification_id LIMIT %b;

-- name: found
-- The events with these keys.
SELECT notification_id, received, topic, state, originator_id, ingest_key FROM {schema}.stored_events
WHERE ingest_key = ANY (%b);
