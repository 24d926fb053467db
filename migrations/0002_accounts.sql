-- Why: who may log in, folded from IDENTITY_EVENTS. Names are people's text and stay sealed, as in the
-- log: erasing a key erases the person here too.

CREATE TABLE accounts (
    account       TEXT PRIMARY KEY,
    name_key      TEXT NOT NULL,
    name_nonce    BYTEA NOT NULL,
    name_bytes    BYTEA NOT NULL,
    logins        BIGINT NOT NULL,
    registered_at TIMESTAMPTZ,
    last_login_at TIMESTAMPTZ,
    at            TIMESTAMPTZ NOT NULL,
    sequence      BIGINT NOT NULL
);
COMMENT ON COLUMN accounts.at IS 'When the last event of this account was decided.';
COMMENT ON COLUMN accounts.sequence IS 'That event''s place in IDENTITY_EVENTS.';
