-- ARGV: lane. From now on no job of it starts, whatever messages there are; those that run go on.
--- include keys, when_full
also_when_full()
redis.call('SADD', PREFIX .. 'paused', ARGV[1])
