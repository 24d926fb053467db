-- Why: which areas exist, who owns each and how far its world has run. That an area was opened comes from
-- CONTROL_EVENTS, all else from its own frames.

CREATE TABLE areas (
    area             TEXT PRIMARY KEY,

    opened_map       TEXT,
    opened_seed      NUMERIC(20),
    opened_at        TIMESTAMPTZ,
    control_sequence BIGINT,

    map              TEXT,
    owner            TEXT,
    build            TEXT,
    rules            BIGINT,
    epoch            BIGINT,
    claim            TEXT,
    state            TEXT CHECK (state IN ('awake', 'hibernated', 'released')),
    tick             BIGINT,
    frame_no         BIGINT,
    players          INTEGER,
    pending_effects  INTEGER,
    commands_up_to   BIGINT,
    at               TIMESTAMPTZ,
    frame_sequence   BIGINT
) WITH (fillfactor = 50);
COMMENT ON COLUMN areas.owner IS 'The worker of its newest ownership frame.';
COMMENT ON COLUMN areas.epoch IS 'The owner''s fencing token.';
COMMENT ON COLUMN areas.state IS 'Of its newest frame: awake, asleep, or given up by its owner.';
COMMENT ON COLUMN areas.pending_effects IS 'Messages to other aggregates that are not confirmed yet.';
COMMENT ON COLUMN areas.commands_up_to IS 'The last message in AREA_COMMANDS of which it has consumed anything.';
COMMENT ON COLUMN areas.at IS 'When its newest frame was decided.';
COMMENT ON COLUMN areas.frame_sequence IS 'That frame''s place in AREA_EVENTS.';
