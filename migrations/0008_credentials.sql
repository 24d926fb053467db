-- Why: failed logins are counted where the credential is, also for names that nobody has, so that nobody can tell
-- the two apart. Here operators see which ones are being guessed at. A credential is known by the keyed hash of its
-- name alone; the password's hash is not copied.

CREATE TABLE credentials (
    credential    TEXT PRIMARY KEY,
    account       TEXT,
    method        TEXT,
    failures      BIGINT NOT NULL,
    failed_at     TIMESTAMPTZ,
    registered_at TIMESTAMPTZ,
    granted_at    TIMESTAMPTZ,
    changed_at    TIMESTAMPTZ,
    at            TIMESTAMPTZ NOT NULL,
    sequence      BIGINT NOT NULL
);
CREATE INDEX credentials_by_account ON credentials (account);
CREATE INDEX credentials_guessed_at ON credentials (failed_at) WHERE failures > 0;
COMMENT ON COLUMN credentials.account IS 'The account it lets into; null: nobody has this name, somebody tried it.';
COMMENT ON COLUMN credentials.failures IS 'Failures since the last success.';
COMMENT ON COLUMN credentials.granted_at IS 'When it last let somebody in.';
COMMENT ON COLUMN credentials.changed_at IS 'When its password was last changed by its owner.';
COMMENT ON COLUMN credentials.sequence IS 'Place in CREDENTIAL_EVENTS of its last event.';
