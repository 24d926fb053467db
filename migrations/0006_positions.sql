-- Why: rows hold segments, people ask for positions. A segment with constant acceleration gives, n steps
-- after its first, x + n·vx + ax·n(n+1)/2: exact in integers, and the same formula that the worker, the
-- browser and replay use. Bodies are held at until_step, and coordinates saturate, as in the world.

CREATE FUNCTION along(origin BIGINT, velocity BIGINT, acceleration BIGINT, n BIGINT) RETURNS INTEGER
    LANGUAGE SQL IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT GREATEST(-2147483648, LEAST(2147483647,
            origin::NUMERIC + n::NUMERIC * velocity + acceleration::NUMERIC * (n::NUMERIC * (n + 1) / 2)))::INTEGER;
    END;
COMMENT ON FUNCTION along IS 'A coordinate n steps after a segment''s first, 1/256 px.';

CREATE FUNCTION steps_along(from_step BIGINT, until_step BIGINT, at_step BIGINT) RETURNS BIGINT
    LANGUAGE SQL IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT GREATEST(0, LEAST(1073741824, LEAST(at_step, COALESCE(until_step, at_step)) - from_step));
    END;
COMMENT ON FUNCTION steps_along IS 'How many steps of a segment have passed at at_step; it stands still after until_step.';

CREATE FUNCTION positions_at(which_area TEXT, at_step BIGINT)
    RETURNS TABLE ("character" TEXT, x INTEGER, y INTEGER, mode TEXT)
    LANGUAGE SQL STABLE
    BEGIN ATOMIC
        SELECT c.character,
               along(c.x, c.vx, c.ax, steps_along(c.from_step, c.until_step, at_step)),
               along(c.y, c.vy, c.ay, steps_along(c.from_step, c.until_step, at_step)),
               c.mode
        FROM characters c
        WHERE c.in_world AND c.area = which_area;
    END;
COMMENT ON FUNCTION positions_at IS 'Where the characters of an area stand at the end of a step, by what is known now; for the past ask worldline replay.';

CREATE VIEW positions AS
SELECT c.character,
       c.area,
       along(c.x, c.vx, c.ax, s.n) AS x,
       along(c.y, c.vy, c.ay, s.n) AS y,
       round(along(c.x, c.vx, c.ax, s.n) / 256.0, 2) AS x_px,
       round(along(c.y, c.vy, c.ay, s.n) / 256.0, 2) AS y_px,
       c.mode,
       2 * a.tick + 1 AS step,
       c.client_seq,
       a.at
FROM characters c
JOIN areas a USING (area)
CROSS JOIN LATERAL (SELECT steps_along(c.from_step, c.until_step, 2 * a.tick + 1) AS n) s
WHERE c.in_world;
COMMENT ON VIEW positions IS 'Where every character in the world stands after its area''s newest frame.';
