-- ARGV: lane. Its jobs may start again; the caller dispatches.
also_when_full()
redis.call('SREM', PREFIX .. 'paused', ARGV[1])
