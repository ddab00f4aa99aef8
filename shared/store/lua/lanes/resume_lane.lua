-- ARGV: lane. Its jobs may start again; the caller dispatches.
--- include keys, when_full
also_when_full()
redis.call('SREM', PREFIX .. 'paused', ARGV[1])
