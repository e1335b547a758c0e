-- Only what SQLite and PostgreSQL both understand. Times are milliseconds since 1970; the names say so.

-- A user of the graph who can be spoken of by name. The id is graph-store's.
CREATE TABLE accounts (
    id BIGINT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    -- Lower case. NULL for accounts that came with an imported graph.
    email TEXT UNIQUE,
    -- An argon2id PHC string. NULL: nobody can log in.
    password_hash TEXT,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    image_url TEXT,
    hero_image_url TEXT,
    -- YYYY-MM-DD.
    date_of_birth TEXT,
    created_at_ms BIGINT NOT NULL,
    last_login_at_ms BIGINT
);

-- What one log in began. Access tokens name it, and are good for nothing once it is revoked or over.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    revoked_at_ms BIGINT
);

CREATE INDEX sessions_of_account ON sessions (account_id, created_at_ms);
CREATE INDEX sessions_by_expiry ON sessions (expires_at_ms);

-- Each refresh token that a session has had. A used one is kept until it would have expired: seeing it again is theft.
CREATE TABLE refresh_tokens (
    -- The SHA-256 of the token, in hexadecimal.
    hash TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at_ms BIGINT NOT NULL,
    used_at_ms BIGINT
);

CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id, expires_at_ms);
