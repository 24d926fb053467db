-- Why: a person has the right to be forgotten, and whoever answers for it must be able to show that it was done. This
-- is what is left of somebody who was erased: an id that is nobody's any more, who ordered it, and why. In the
-- transaction in which the row comes, the person's rows of `accounts`, `login_sessions` and `security_events` go; those
-- of `credentials`, `sessions` and the name in `characters` go with the same events of their own streams.
-- What they said stays in `chat` as it stays in the log: sealed with a key that is destroyed. See docs/erasure.md.

CREATE TABLE erasures (
    account    TEXT PRIMARY KEY,
    ordered_by TEXT NOT NULL,
    reason     TEXT NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    sequence   BIGINT NOT NULL
);
COMMENT ON TABLE erasures IS 'Who was erased, by order.';
COMMENT ON COLUMN erasures.account IS 'The id of the account; nobody''s any more.';
COMMENT ON COLUMN erasures.ordered_by IS 'The operator who ordered it.';
COMMENT ON COLUMN erasures.reason IS 'Why, in the operator''s words; nothing personal.';
COMMENT ON COLUMN erasures.at IS 'When.';
COMMENT ON COLUMN erasures.sequence IS 'Place in IDENTITY_EVENTS.';
