-- name: schema
-- The issuers whose tokens are trusted, and the clients that they may speak of; instants are seconds since 1970.
CREATE TABLE IF NOT EXISTS issuer (
  name TEXT PRIMARY KEY,
  network TEXT NOT NULL,
  issuer TEXT NOT NULL,
  audience TEXT NOT NULL,
  jwks TEXT NOT NULL,
  claim TEXT NOT NULL,
  UNIQUE (issuer, audience)  -- so that a token belongs to one network at most
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS api_client (
  id TEXT PRIMARY KEY,
  issuer TEXT NOT NULL REFERENCES issuer (name),
  client TEXT NOT NULL,
  clinics TEXT,  -- arrays in JSON
  sources TEXT,
  scopes TEXT NOT NULL,
  created INTEGER NOT NULL,
  disabled INTEGER,
  UNIQUE (issuer, client)
) STRICT, WITHOUT ROWID;

-- name: add_issuer
-- Fails where the name, or the issuer with this audience, is there already.
INSERT INTO issuer (name, network, issuer, audience, jwks, claim)
VALUES (:name, :network, :issuer, :audience, :jwks, :claim) ON CONFLICT DO NOTHING;

-- name: issuers
-- The issuers of a network.
SELECT name, network, issuer, audience, jwks, claim FROM issuer WHERE network = :network ORDER BY name;

-- name: named
-- One issuer by its name here.
SELECT name, network, issuer, audience, jwks, claim FROM issuer WHERE name = :name;

-- name: of_token
-- The registrations of whoever a token says it is from.
SELECT name, network, issuer, audience, jwks, claim FROM issuer WHERE issuer = :issuer ORDER BY name;

-- name: remove_clients
-- With the issuer go its clients.
DELETE FROM api_client WHERE issuer = :name;

-- name: remove_issuer
-- Its tokens are refused from now on.
DELETE FROM issuer WHERE name = :name;

-- name: add_client
-- Fails where the issuer has a client of this identity already.
INSERT INTO api_client (id, issuer, client, clinics, sources, scopes, created)
VALUES (:id, :issuer, :client, :clinics, :sources, :scopes, :created) ON CONFLICT DO NOTHING;

-- name: clients
-- The clients of a network.
SELECT api_client.id, api_client.issuer, client, clinics, sources, scopes, created, disabled
FROM api_client JOIN issuer ON issuer.name = api_client.issuer
WHERE network = :network ORDER BY api_client.issuer, client;

-- name: client
-- The client that a token is for.
SELECT id, issuer, client, clinics, sources, scopes, created, disabled FROM api_client
WHERE issuer = :issuer AND client = :client;

-- name: disable
-- A client that was disabled before keeps its first date.
UPDATE api_client SET disabled = :now WHERE id = :id AND disabled IS NULL;

-- name: enable
-- Its tokens count again.
UPDATE api_client SET disabled = NULL WHERE id = :id AND disabled IS NOT NULL;
