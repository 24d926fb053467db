-- Why: a projection is only as good as its knowledge of where it stands. The position it has reached
-- and the rows it has written move in one transaction, so a crash between two transactions loses and
-- doubles nothing. The owner's epoch is compared by every transaction: a second instance raises it,
-- and from then on the first is refused.

CREATE TABLE checkpoints (
    projection  TEXT PRIMARY KEY,
    stream      TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    sequence    BIGINT NOT NULL,
    digest      TEXT NOT NULL,
    updated_at  TIMESTAMPTZ,
    owner_epoch BIGINT NOT NULL
);
COMMENT ON TABLE checkpoints IS 'How far each projection has folded its stream; one row per projection.';
COMMENT ON COLUMN checkpoints.incarnation IS 'Which life of the stream sequence counts in.';
COMMENT ON COLUMN checkpoints.sequence IS 'The last event that the rows hold; 0 before the first.';
COMMENT ON COLUMN checkpoints.digest IS 'First 128 bits of the SHA-256 of that event''s bytes; compared before the position is used.';
COMMENT ON COLUMN checkpoints.updated_at IS 'When the broker stored that event; never this machine''s clock.';
COMMENT ON COLUMN checkpoints.owner_epoch IS 'Rises with every new owner; transactions of older ones are refused.';

-- The projection's own memory (an area's folded state), so that a restart need not fold the stream from
-- its beginning. Written now and then, in the transaction of the rows; what came after it is folded anew.
CREATE TABLE projection_state (
    projection TEXT NOT NULL,
    key        TEXT NOT NULL,
    sequence   BIGINT NOT NULL,
    state      BYTEA NOT NULL,
    PRIMARY KEY (projection, key)
);
COMMENT ON TABLE projection_state IS 'A cache: may be emptied at any time, which makes the next start slower.';

-- An event that cannot be applied must not stop the others. One row for each key that waits: the event at
-- fault, and how many have come for that key since. They stay in the log; a rebuild by a fixed build reads
-- them there.
CREATE TABLE parked_events (
    projection      TEXT NOT NULL,
    key             TEXT NOT NULL,
    poison_sequence BIGINT NOT NULL,
    poison_at       TIMESTAMPTZ NOT NULL,
    reason          TEXT NOT NULL,
    last_sequence   BIGINT NOT NULL,
    events          BIGINT NOT NULL,
    PRIMARY KEY (projection, key)
);
COMMENT ON TABLE parked_events IS 'Keys whose rows stand still because an event could not be applied; any row is a bug to report.';
COMMENT ON COLUMN parked_events.key IS 'The subject of the events.';
COMMENT ON COLUMN parked_events.events IS 'Parked so far: the poison one and all behind it.';
