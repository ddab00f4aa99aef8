-- Lets jobs of a paused lane start again; the caller dispatches.
-- ARGV: lane.
-- Returns nothing.
--- include keys, when_full
also_when_full()
redis.call('SREM', paused_key(), ARGV[1])
