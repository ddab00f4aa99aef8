-- Pauses a lane: no job of it starts, whatever messages there are. Running jobs go on.
-- ARGV: lane.
-- Returns nothing.
--- include keys, when_full
also_when_full()
redis.call('SADD', paused_key(), ARGV[1])
