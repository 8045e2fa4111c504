-- name: schema
-- The networks with their secrets, and the API keys as hashes; instants are seconds since 1970.
CREATE TABLE IF NOT EXISTS network (
  name TEXT PRIMARY KEY,
  secret BLOB NOT NULL CHECK (length(secret) = 32)
) STRICT, WITHOUT ROWID;
-- The networks for trying out. A table of its own, as no table gets a new column where it is there already.
CREATE TABLE IF NOT EXISTS sandbox (
  network TEXT PRIMARY KEY REFERENCES network (name)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS api_key (
  key_id TEXT PRIMARY KEY,
  network TEXT NOT NULL REFERENCES network (name),
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  clinics TEXT,  -- arrays in JSON
  sources TEXT,
  scopes TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  revoked INTEGER
) STRICT, WITHOUT ROWID;
-- In which order keys were made: several can be of one second. Keys of earlier releases have no number.
CREATE TABLE IF NOT EXISTS api_key_number (
  key_id TEXT PRIMARY KEY REFERENCES api_key (key_id),
  number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- name: add_network
-- A network that is there already keeps its secret.
INSERT INTO network (name, secret) VALUES (:name, :secret) ON CONFLICT (name) DO NOTHING;

-- name: add_sandbox
-- Only where the network is made.
INSERT INTO sandbox (network) VALUES (:network);

-- name: sandbox
-- Whether a network is one.
SELECT network FROM sandbox WHERE network = :network;

-- name: networks
-- All networks in the order of their names.
SELECT name FROM network ORDER BY name;

-- name: secret
-- What a network signs with.
SELECT secret FROM network WHERE name = :name;

-- name: add_key
-- Keeps the hash of a new key.
INSERT INTO api_key (key_id, network, digest, clinics, sources, scopes, created, expires)
VALUES (:key_id, :network, :digest, :clinics, :sources, :scopes, :created, :expires);

-- name: add_number
-- Numbers a new key.
INSERT INTO api_key_number (key_id, number) SELECT :key_id, coalesce(max(number), 0) + 1 FROM api_key_number;

-- name: key
-- What is known of one key.
SELECT network, digest, clinics, sources, scopes, expires, revoked FROM api_key WHERE key_id = :key_id;

-- name: keys
-- The keys of a network in the order in which they were made, without their hashes.
SELECT api_key.key_id, clinics, sources, scopes, created, expires, revoked
FROM api_key LEFT JOIN api_key_number ON api_key_number.key_id = api_key.key_id
WHERE network = :network ORDER BY created, coalesce(number, 0), api_key.key_id;

-- name: revoke
-- A key that was revoked before keeps its first date.
UPDATE api_key SET revoked = :now WHERE key_id = :key_id AND revoked IS NULL;
