-- Why: operators change rows while a projector works on them. A rebuild puts others in their place, a rollback the
-- former ones, a parked key is tried again or given up. The projector's memory must not outlive such a change, so each
-- raises a generation, which every transaction compares: whoever finds another one loads everything again.
--
-- What is left out of the rows by an operator's word is no reading of the log any more, so it stands in a table that a
-- rebuild takes over: the same events are left out again.

ALTER TABLE checkpoints ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
COMMENT ON COLUMN checkpoints.generation IS 'Rises when an operator has changed rows: rebuilt, rolled back, retried, dropped. What a projector remembers is of one generation.';

CREATE TABLE dropped_events (
    projection TEXT NOT NULL,
    key        TEXT NOT NULL,
    sequence   BIGINT NOT NULL,
    and_behind BOOLEAN NOT NULL,
    why        TEXT NOT NULL,
    reason     TEXT NOT NULL,
    actor      TEXT NOT NULL,
    dropped_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (projection, key, sequence)
);
COMMENT ON TABLE dropped_events IS 'Parked events that an operator has given up: no row says what they say. They stay in the log.';
COMMENT ON COLUMN dropped_events.projection IS 'Whose rows go without.';
COMMENT ON COLUMN dropped_events.key IS 'The subject of the event.';
COMMENT ON COLUMN dropped_events.sequence IS 'Its place in its stream.';
COMMENT ON COLUMN dropped_events.and_behind IS 'Everything that comes for the key from there on is left out too.';
COMMENT ON COLUMN dropped_events.why IS 'Why it could not be applied.';
COMMENT ON COLUMN dropped_events.reason IS 'Why it was given up, in the operator''s words.';
COMMENT ON COLUMN dropped_events.actor IS 'Who gave it up.';
COMMENT ON COLUMN dropped_events.dropped_at IS 'When, by the database''s clock.';
