-- Why: an account is more than a guest by now. Who is logged in where, by what means, and what happened that
-- should not, are questions that support and operators ask. Nothing here lets anybody in: no token, no digest of
-- one, no password's hash. Addresses are the keyed tags of the log, which can be compared and not read.
--
-- Rows of accounts that were written before this lack the new values until the account's next event:
-- `worldline projector rebuild` fills them in.

ALTER TABLE accounts
    ADD COLUMN methods    TEXT[]  NOT NULL DEFAULT '{}',
    ADD COLUMN sessions   INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN characters INTEGER NOT NULL DEFAULT 0;
COMMENT ON COLUMN accounts.methods IS 'What lets into it: guest, password, openid.';
COMMENT ON COLUMN accounts.sessions IS 'Where it is logged in now, by number; see login_sessions.';
COMMENT ON COLUMN accounts.characters IS 'How many characters it has.';

CREATE TABLE login_sessions (
    account      TEXT NOT NULL,
    login        TEXT NOT NULL,
    method       TEXT NOT NULL,
    device_key   TEXT,
    device_nonce BYTEA,
    device_bytes BYTEA,
    opened_at    TIMESTAMPTZ NOT NULL,
    used_at      TIMESTAMPTZ NOT NULL,
    generation   BIGINT NOT NULL,
    address      TEXT NOT NULL,
    ended_at     TIMESTAMPTZ,
    end_reason   TEXT,
    sequence     BIGINT NOT NULL,
    PRIMARY KEY (account, login)
);
CREATE INDEX login_sessions_open ON login_sessions (account) WHERE ended_at IS NULL;
COMMENT ON TABLE login_sessions IS 'Every device that was logged in; open ones have no ended_at. Not to be confused with sessions, which are holds on characters.';
COMMENT ON COLUMN login_sessions.device_bytes IS 'What the device called itself; people''s text, sealed.';
COMMENT ON COLUMN login_sessions.used_at IS 'When its tokens were last changed.';
COMMENT ON COLUMN login_sessions.generation IS 'How many refresh tokens it has had.';
COMMENT ON COLUMN login_sessions.address IS 'Stands for the address from which it was last used.';
COMMENT ON COLUMN login_sessions.sequence IS 'Place in IDENTITY_EVENTS of the last event that touched it.';

CREATE TABLE security_events (
    account  TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    line     INTEGER NOT NULL,
    what     TEXT NOT NULL,
    login    TEXT,
    at       TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account, sequence, line)
);
CREATE INDEX security_events_by_time ON security_events (at);
COMMENT ON COLUMN security_events.what IS 'refresh_reused, address_changed, password_changed or login_failed.';
COMMENT ON COLUMN security_events.sequence IS 'Place in IDENTITY_EVENTS.';
COMMENT ON COLUMN security_events.line IS 'Which of that entry''s events it is, from 0.';
