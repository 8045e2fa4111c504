"""Where views, registries and the outbox are kept: one text of SQL, on SQLite or PostgreSQL."""
