-- Why: one row for each character, written by two projections that share no column but the key. What the
-- lobby says (whose it is, its session, where it was last seen) comes from LOBBY_EVENTS; where it is and
-- how it moves comes from AREA_EVENTS. Sessions are the lobby's as well.
--
-- A row of a player who plays changes twice a second, so pages are left half empty: an update then stays on
-- its page and touches no index.
--
-- Motion is kept as in the log: a trajectory segment, not a position. See 0006 for the view that evaluates it.

CREATE TABLE characters (
    character      TEXT PRIMARY KEY,

    account        TEXT,
    name_key       TEXT,
    name_nonce     BYTEA,
    name_bytes     BYTEA,
    place          TEXT CHECK (place IN ('lobby', 'world')),
    place_area     TEXT,
    session        BIGINT,
    edge           TEXT,
    last_seen_area TEXT,
    last_seen_x    INTEGER,
    last_seen_y    INTEGER,
    lobby_at       TIMESTAMPTZ,
    lobby_sequence BIGINT,

    in_world       BOOLEAN NOT NULL DEFAULT FALSE,
    area           TEXT,
    handle         INTEGER,
    x              INTEGER,
    y              INTEGER,
    vx             INTEGER,
    vy             INTEGER,
    ax             INTEGER,
    ay             INTEGER,
    from_step      BIGINT,
    until_step     BIGINT,
    mode           TEXT CHECK (mode IN ('ground', 'air')),
    client_seq     BIGINT,
    area_session   BIGINT,
    tick           BIGINT,
    at             TIMESTAMPTZ,
    frame_sequence BIGINT
) WITH (fillfactor = 50);
CREATE INDEX characters_by_account ON characters (account);
CREATE INDEX characters_by_area ON characters (area) WHERE in_world;
COMMENT ON COLUMN characters.place IS 'Who has it, as the lobby knows: the lobby itself, or the world.';
COMMENT ON COLUMN characters.place_area IS 'The area in which the lobby last heard of it.';
COMMENT ON COLUMN characters.session IS 'Fence of its newest session.';
COMMENT ON COLUMN characters.lobby_at IS 'When the lobby decided its last event about it.';
COMMENT ON COLUMN characters.lobby_sequence IS 'That event''s place in LOBBY_EVENTS.';
COMMENT ON COLUMN characters.in_world IS 'Whether an area has it; while false, the columns below tell where it was last.';
COMMENT ON COLUMN characters.x IS 'Left edge at the end of from_step, 1/256 px.';
COMMENT ON COLUMN characters.y IS 'Top edge at the end of from_step, 1/256 px; grows downwards.';
COMMENT ON COLUMN characters.vx IS '1/256 px per step of 20 ms.';
COMMENT ON COLUMN characters.ax IS '1/256 px per step².';
COMMENT ON COLUMN characters.until_step IS 'The body is held where it is then; null: nothing will end this motion.';
COMMENT ON COLUMN characters.client_seq IS 'The player''s commands up to this one have had their outcome.';
COMMENT ON COLUMN characters.area_session IS 'The session fence as the area knows it.';
COMMENT ON COLUMN characters.tick IS 'The tick of the last frame that said something about it.';
COMMENT ON COLUMN characters.at IS 'When that frame was decided.';
COMMENT ON COLUMN characters.frame_sequence IS 'That frame''s place in AREA_EVENTS.';

CREATE TABLE sessions (
    character  TEXT NOT NULL,
    session    BIGINT NOT NULL,
    edge       TEXT NOT NULL,
    resumed    BOOLEAN NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    ended_at   TIMESTAMPTZ,
    end_reason TEXT,
    sequence   BIGINT NOT NULL,
    PRIMARY KEY (character, session)
);
CREATE INDEX sessions_open ON sessions (character) WHERE ended_at IS NULL;
COMMENT ON TABLE sessions IS 'Every session there was; open ones have no ended_at. At most one is open for a character.';
COMMENT ON COLUMN sessions.end_reason IS 'superseded (by a newer session), or why the character left the world.';
COMMENT ON COLUMN sessions.sequence IS 'Place in LOBBY_EVENTS of the last event that touched it.';
