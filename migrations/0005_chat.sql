-- Why: who said what where, for those who must judge it later. The text stays sealed; a reader with the
-- realm's key opens it outside of the database.

CREATE TABLE chat (
    area       TEXT NOT NULL,
    sequence   BIGINT NOT NULL,
    line       INTEGER NOT NULL,
    character  TEXT NOT NULL,
    tick       BIGINT NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    text_key   TEXT NOT NULL,
    text_nonce BYTEA NOT NULL,
    text_bytes BYTEA NOT NULL,
    PRIMARY KEY (area, sequence, line)
);
CREATE INDEX chat_by_character ON chat (character, sequence);
COMMENT ON COLUMN chat.sequence IS 'The frame''s place in AREA_EVENTS.';
COMMENT ON COLUMN chat.line IS 'Which of the frame''s facts it is, from 0.';
