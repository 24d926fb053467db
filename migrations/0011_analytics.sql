-- Why: analysts ask in SQL, and the tables are shaped for whoever writes them. These views are shaped for who asks:
-- days, durations, people, without any sealed bytes, and with a comment on every column (a test holds it).
--
-- They stand in a schema of their own beside the tables', `analytics` for `public` and `<schema>_analytics` for any
-- other, so that a role can be given them and nothing else (the projector does: see docs/analytics.md). A rebuild makes
-- the pair of schemas anew and renames both.

DO $$
DECLARE
    base TEXT := current_schema();
    beside TEXT := CASE base WHEN 'public' THEN 'analytics' ELSE base || '_analytics' END;
BEGIN
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', beside);
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', beside, 'What happened, for those who ask: documented views, nothing else.');
    -- Until the end of this migration's transaction: what is made is made there, what is read is found here.
    PERFORM set_config('search_path', quote_ident(beside) || ', ' || quote_ident(base), true);
END $$;

CREATE VIEW players AS
SELECT c.character,
       c.account,
       CASE
           WHEN COALESCE(c.erased, FALSE) THEN 'erased'
           WHEN c.deleted_until IS NOT NULL THEN 'deleted'
           WHEN o.character IS NOT NULL THEN 'playing'
           ELSE 'away'
       END AS status,
       c.level,
       round(c.played_ms / 1000.0, 3) AS played_seconds,
       CASE WHEN c.in_world THEN c.area ELSE COALESCE(c.place_area, c.last_seen_area) END AS area,
       s.sessions,
       s.first_session_at,
       s.last_session_at
FROM characters c
LEFT JOIN (
    SELECT character, count(*) AS sessions, min(started_at) AS first_session_at, max(started_at) AS last_session_at
    FROM sessions
    GROUP BY character
) s USING (character)
LEFT JOIN (SELECT DISTINCT character FROM sessions WHERE ended_at IS NULL) o USING (character);
COMMENT ON VIEW players IS 'Every character there is or was: whose it is, what it does, how long it has played.';
COMMENT ON COLUMN players.character IS 'The character''s id, as in the log.';
COMMENT ON COLUMN players.account IS 'Whose it is; null when the lobby has not told of it yet.';
COMMENT ON COLUMN players.status IS 'playing, away, deleted (can still be restored) or erased.';
COMMENT ON COLUMN players.level IS 'Its level: 1 + floor(sqrt(minutes played / 10)).';
COMMENT ON COLUMN players.played_seconds IS 'Time in the world up to the lobby''s last news of it, in seconds.';
COMMENT ON COLUMN players.area IS 'Where it is, or where it was last seen.';
COMMENT ON COLUMN players.sessions IS 'How many sessions it has had; null: none.';
COMMENT ON COLUMN players.first_session_at IS 'When its first session began.';
COMMENT ON COLUMN players.last_session_at IS 'When its newest session began.';

CREATE VIEW play_sessions AS
SELECT s.character,
       c.account,
       s.session,
       s.login,
       s.edge,
       s.resumed,
       s.started_at,
       s.ended_at,
       round(EXTRACT(EPOCH FROM s.ended_at - s.started_at), 3) AS seconds,
       s.end_reason
FROM sessions s
LEFT JOIN characters c USING (character);
COMMENT ON VIEW play_sessions IS 'Every session there was; open ones have no end. At most one is open for a character.';
COMMENT ON COLUMN play_sessions.character IS 'Who played.';
COMMENT ON COLUMN play_sessions.account IS 'Whose character it is.';
COMMENT ON COLUMN play_sessions.session IS 'Number of the session among the character''s: its fence, which rises by one.';
COMMENT ON COLUMN play_sessions.login IS 'The login in which it was begun; see logins.';
COMMENT ON COLUMN play_sessions.edge IS 'The edge through which it came, for one that is told of by several logs.';
COMMENT ON COLUMN play_sessions.resumed IS 'Whether it took over a character that was still in the world.';
COMMENT ON COLUMN play_sessions.started_at IS 'When it began.';
COMMENT ON COLUMN play_sessions.ended_at IS 'When it ended; null: it is open.';
COMMENT ON COLUMN play_sessions.seconds IS 'How long it took, in seconds; null: it is open.';
COMMENT ON COLUMN play_sessions.end_reason IS 'superseded (by a newer session), lost, or why the character left the world: logout, link_dead, door, overflow, sent_on, kicked.';

CREATE VIEW sessions_by_day AS
SELECT (s.started_at AT TIME ZONE 'UTC')::DATE AS day,
       count(*) AS sessions,
       count(DISTINCT s.character) AS characters,
       count(DISTINCT c.account) AS accounts,
       count(*) FILTER (WHERE s.ended_at IS NULL) AS open,
       round(COALESCE(sum(EXTRACT(EPOCH FROM s.ended_at - s.started_at)), 0), 3) AS seconds,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY EXTRACT(EPOCH FROM s.ended_at - s.started_at)))::NUMERIC, 3)
           AS median_seconds
FROM sessions s
LEFT JOIN characters c USING (character)
GROUP BY 1;
COMMENT ON VIEW sessions_by_day IS 'How much was played, by the day (UTC) on which sessions began.';
COMMENT ON COLUMN sessions_by_day.day IS 'The day, UTC.';
COMMENT ON COLUMN sessions_by_day.sessions IS 'Sessions that began on it.';
COMMENT ON COLUMN sessions_by_day.characters IS 'Different characters among them.';
COMMENT ON COLUMN sessions_by_day.accounts IS 'Different accounts among them.';
COMMENT ON COLUMN sessions_by_day.open IS 'How many of them are still open.';
COMMENT ON COLUMN sessions_by_day.seconds IS 'How long those that have ended took in all, in seconds.';
COMMENT ON COLUMN sessions_by_day.median_seconds IS 'How long the middle one of those took; null: none has ended.';

CREATE VIEW session_ends_by_day AS
SELECT (ended_at AT TIME ZONE 'UTC')::DATE AS day,
       end_reason,
       count(*) AS sessions
FROM sessions
WHERE ended_at IS NOT NULL
GROUP BY 1, 2;
COMMENT ON VIEW session_ends_by_day IS 'Why sessions ended: many link_dead are a network''s fault, many lost a bug''s.';
COMMENT ON COLUMN session_ends_by_day.day IS 'The day, UTC.';
COMMENT ON COLUMN session_ends_by_day.end_reason IS 'Why; see play_sessions.end_reason.';
COMMENT ON COLUMN session_ends_by_day.sessions IS 'How many ended so.';

CREATE VIEW retention AS
SELECT f.cohort,
       (s.started_at AT TIME ZONE 'UTC')::DATE - f.cohort AS after_days,
       count(DISTINCT c.account) AS accounts
FROM sessions s
JOIN characters c USING (character)
JOIN (
    SELECT c.account, min((s.started_at AT TIME ZONE 'UTC')::DATE) AS cohort
    FROM sessions s
    JOIN characters c USING (character)
    GROUP BY c.account
) f ON f.account = c.account
GROUP BY 1, 2;
COMMENT ON VIEW retention IS 'Who comes back: accounts by the day of their first session, and by how many days later they played.';
COMMENT ON COLUMN retention.cohort IS 'The day (UTC) of these accounts'' first session.';
COMMENT ON COLUMN retention.after_days IS 'Days since then; 0 counts the whole cohort.';
COMMENT ON COLUMN retention.accounts IS 'How many of them began a session on that day.';

CREATE VIEW registrations_by_day AS
SELECT (registered_at AT TIME ZONE 'UTC')::DATE AS day,
       count(*) AS accounts,
       count(*) FILTER (WHERE methods = ARRAY['guest']) AS still_guests,
       count(*) FILTER (WHERE 'password' = ANY (methods)) AS with_password,
       count(*) FILTER (WHERE 'openid' = ANY (methods)) AS with_openid
FROM accounts
WHERE registered_at IS NOT NULL
GROUP BY 1;
COMMENT ON VIEW registrations_by_day IS 'New accounts, by day (UTC), and what lets into them today.';
COMMENT ON COLUMN registrations_by_day.day IS 'The day, UTC.';
COMMENT ON COLUMN registrations_by_day.accounts IS 'Accounts that were registered on it.';
COMMENT ON COLUMN registrations_by_day.still_guests IS 'Those that nothing but a guest''s proof lets into.';
COMMENT ON COLUMN registrations_by_day.with_password IS 'Those with a password.';
COMMENT ON COLUMN registrations_by_day.with_openid IS 'Those with a provider''s login.';

CREATE VIEW logins AS
SELECT account,
       login,
       method,
       opened_at,
       used_at,
       generation,
       ended_at,
       end_reason
FROM login_sessions;
COMMENT ON VIEW logins IS 'Every device that was logged in. Not to be confused with play_sessions, which are holds on characters.';
COMMENT ON COLUMN logins.account IS 'Into which account.';
COMMENT ON COLUMN logins.login IS 'The login''s id.';
COMMENT ON COLUMN logins.method IS 'By what: guest, password or openid.';
COMMENT ON COLUMN logins.opened_at IS 'When.';
COMMENT ON COLUMN logins.used_at IS 'When its tokens were last changed.';
COMMENT ON COLUMN logins.generation IS 'How many refresh tokens it has had.';
COMMENT ON COLUMN logins.ended_at IS 'When it ended; null: it is open.';
COMMENT ON COLUMN logins.end_reason IS 'logged_out, logged_out_everywhere, reused (a stolen token), expired or displaced.';

CREATE VIEW security_by_day AS
SELECT (at AT TIME ZONE 'UTC')::DATE AS day,
       what,
       count(*) AS events,
       count(DISTINCT account) AS accounts
FROM security_events
GROUP BY 1, 2;
COMMENT ON VIEW security_by_day IS 'What happened to accounts that should not, by day (UTC).';
COMMENT ON COLUMN security_by_day.day IS 'The day, UTC.';
COMMENT ON COLUMN security_by_day.what IS 'refresh_reused, address_changed, password_changed or login_failed.';
COMMENT ON COLUMN security_by_day.events IS 'How often.';
COMMENT ON COLUMN security_by_day.accounts IS 'To how many accounts.';

CREATE VIEW guessing_by_day AS
SELECT (failed_at AT TIME ZONE 'UTC')::DATE AS day,
       account IS NOT NULL AS of_somebody,
       count(*) AS credentials,
       sum(failures)::BIGINT AS failures
FROM credentials
WHERE failures > 0
GROUP BY 1, 2;
COMMENT ON VIEW guessing_by_day IS 'Credentials at which somebody fails: failures since the last success, by the day (UTC) of the newest one.';
COMMENT ON COLUMN guessing_by_day.day IS 'The day of the newest failure, UTC.';
COMMENT ON COLUMN guessing_by_day.of_somebody IS 'Whether somebody has that name; false: it was only tried.';
COMMENT ON COLUMN guessing_by_day.credentials IS 'How many credentials.';
COMMENT ON COLUMN guessing_by_day.failures IS 'How many failures at them.';

CREATE VIEW funnel AS
WITH people AS (
    SELECT a.account,
           EXISTS (SELECT FROM characters c WHERE c.account = a.account) AS has_character,
           EXISTS (SELECT FROM characters c JOIN sessions s USING (character) WHERE c.account = a.account) AS has_played,
           COALESCE((SELECT sum(c.played_ms) FROM characters c WHERE c.account = a.account), 0) >= 600000 AS ten_minutes,
           (SELECT count(DISTINCT (s.started_at AT TIME ZONE 'UTC')::DATE)
            FROM characters c JOIN sessions s USING (character) WHERE c.account = a.account) > 1 AS came_back
    FROM accounts a
)
SELECT f.step, f.what, f.accounts
FROM (
    SELECT count(*) AS registered,
           count(*) FILTER (WHERE has_character) AS has_character,
           count(*) FILTER (WHERE has_played) AS has_played,
           count(*) FILTER (WHERE ten_minutes) AS ten_minutes,
           count(*) FILTER (WHERE came_back) AS came_back
    FROM people
) p
CROSS JOIN LATERAL (VALUES
    (1, 'registered', p.registered),
    (2, 'has a character', p.has_character),
    (3, 'has played', p.has_played),
    (4, 'has played ten minutes', p.ten_minutes),
    (5, 'has played on another day too', p.came_back)
) f (step, what, accounts);
COMMENT ON VIEW funnel IS 'How far accounts have come, over all time.';
COMMENT ON COLUMN funnel.step IS 'Which step, from 1.';
COMMENT ON COLUMN funnel.what IS 'What an account has done.';
COMMENT ON COLUMN funnel.accounts IS 'How many have.';

CREATE VIEW area_status AS
SELECT a.area,
       COALESCE(a.map, a.opened_map) AS map,
       a.opened_at,
       COALESCE(a.state, 'unopened') AS state,
       a.owner AS worker,
       a.build,
       a.rules,
       a.epoch,
       a.players,
       a.tick,
       round(a.tick / 25.0, 2) AS age_seconds,
       a.pending_effects,
       a.at
FROM areas a;
COMMENT ON VIEW area_status IS 'Every area: its map, who runs it, how many are in it, how far its world has run.';
COMMENT ON COLUMN area_status.area IS 'The area: map and number of the instance.';
COMMENT ON COLUMN area_status.map IS 'The map it plays on.';
COMMENT ON COLUMN area_status.opened_at IS 'When it was opened.';
COMMENT ON COLUMN area_status.state IS 'unopened (no frame yet), awake, hibernated or released.';
COMMENT ON COLUMN area_status.worker IS 'The worker of its newest ownership.';
COMMENT ON COLUMN area_status.build IS 'That worker''s build.';
COMMENT ON COLUMN area_status.rules IS 'The version of the rules with which it decides.';
COMMENT ON COLUMN area_status.epoch IS 'How many ownerships it has had: its fencing token.';
COMMENT ON COLUMN area_status.players IS 'Characters in it.';
COMMENT ON COLUMN area_status.tick IS 'Its newest tick; 25 a second while it is awake.';
COMMENT ON COLUMN area_status.age_seconds IS 'How long it has been awake in all, in its own seconds (ticks / 25).';
COMMENT ON COLUMN area_status.pending_effects IS 'Messages to other aggregates that are not confirmed yet.';
COMMENT ON COLUMN area_status.at IS 'When its newest frame was decided.';

CREATE VIEW whereabouts AS
SELECT character, area, x_px, y_px, mode, step, at
FROM positions;
COMMENT ON VIEW whereabouts IS 'Where every character in the world stands after its area''s newest frame. For the past ask worldline replay.';
COMMENT ON COLUMN whereabouts.character IS 'Who.';
COMMENT ON COLUMN whereabouts.area IS 'In which area.';
COMMENT ON COLUMN whereabouts.x_px IS 'Left edge, in pixels of the map.';
COMMENT ON COLUMN whereabouts.y_px IS 'Top edge, in pixels of the map; grows downwards.';
COMMENT ON COLUMN whereabouts.mode IS 'ground or air.';
COMMENT ON COLUMN whereabouts.step IS 'The step for which this holds; 50 a second while the area is awake.';
COMMENT ON COLUMN whereabouts.at IS 'When the area''s newest frame was decided.';

CREATE VIEW speech AS
SELECT area,
       sequence,
       line,
       character,
       tick,
       at,
       octet_length(text_bytes) AS sealed_bytes
FROM chat;
COMMENT ON VIEW speech IS 'Who spoke where and when. What was said is sealed, and not here.';
COMMENT ON COLUMN speech.area IS 'Where.';
COMMENT ON COLUMN speech.sequence IS 'The frame''s place in AREA_EVENTS.';
COMMENT ON COLUMN speech.line IS 'Which of the frame''s facts it is, from 0.';
COMMENT ON COLUMN speech.character IS 'Who spoke.';
COMMENT ON COLUMN speech.tick IS 'The area''s tick.';
COMMENT ON COLUMN speech.at IS 'When the frame was decided.';
COMMENT ON COLUMN speech.sealed_bytes IS 'Length of the sealed text in bytes: a little more than what was said.';

CREATE VIEW freshness AS
SELECT c.projection,
       c.stream,
       c.sequence,
       c.updated_at AS stored_at,
       COALESCE(p.keys, 0) AS parked_keys,
       COALESCE(p.events, 0)::BIGINT AS parked_events
FROM checkpoints c
LEFT JOIN (
    SELECT projection, count(*) AS keys, sum(events) AS events FROM parked_events GROUP BY projection
) p USING (projection);
COMMENT ON VIEW freshness IS 'How far the rows have followed the log: look here before trusting the newest minutes.';
COMMENT ON COLUMN freshness.projection IS 'Which part of the rows: areas, lobby, accounts, credentials or control.';
COMMENT ON COLUMN freshness.stream IS 'The stream it is folded from.';
COMMENT ON COLUMN freshness.sequence IS 'The last event that the rows hold.';
COMMENT ON COLUMN freshness.stored_at IS 'When the broker stored that event.';
COMMENT ON COLUMN freshness.parked_keys IS 'Keys whose rows stand still because an event could not be applied; any is a bug to report.';
COMMENT ON COLUMN freshness.parked_events IS 'Events that wait there.';
