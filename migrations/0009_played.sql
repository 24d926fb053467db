-- Why: characters grow by time in the world, can be deleted with a grace, and are ranked. All of it is the lobby's
-- word, so it stands among the lobby's columns.
--
-- Rows written before this lack the new values until the lobby's next event about the character:
-- `worldline projector rebuild` fills them in.

ALTER TABLE characters
    ADD COLUMN login         TEXT,
    ADD COLUMN played_ms     BIGINT,
    ADD COLUMN level         BIGINT,
    ADD COLUMN deleted_until TIMESTAMPTZ,
    ADD COLUMN erased        BOOLEAN;
CREATE INDEX characters_by_played ON characters (played_ms DESC, character)
    WHERE played_ms > 0 AND deleted_until IS NULL AND NOT erased;
COMMENT ON COLUMN characters.login IS 'The login session in which its newest session was begun; see login_sessions.';
COMMENT ON COLUMN characters.played_ms IS 'Time in the world up to the lobby''s last news of it.';
COMMENT ON COLUMN characters.level IS '1 + floor(sqrt(minutes played / 10)).';
COMMENT ON COLUMN characters.deleted_until IS 'Deleted; it can be restored until then.';
COMMENT ON COLUMN characters.erased IS 'Gone for good; only the id is left.';

ALTER TABLE sessions ADD COLUMN login TEXT;
COMMENT ON COLUMN sessions.login IS 'The login session in which it was begun; see login_sessions.';

CREATE VIEW ranking AS
SELECT rank() OVER (ORDER BY played_ms DESC) AS rank, character, account, level, played_ms
FROM characters
WHERE played_ms > 0 AND deleted_until IS NULL AND NOT erased;
COMMENT ON VIEW ranking IS 'Who has played longest.';

CREATE VIEW online AS
SELECT c.account,
       s.character,
       s.login,
       s.edge,
       CASE WHEN c.in_world THEN c.area ELSE c.place_area END AS area,
       s.started_at AS since
FROM sessions s
JOIN characters c USING (character)
WHERE s.ended_at IS NULL;
COMMENT ON VIEW online IS 'Who plays now, by the log: which account and character, through which edge, where and since when. A crashed edge''s players are in it until their areas have given them up; the bucket sessions knows sooner.';
