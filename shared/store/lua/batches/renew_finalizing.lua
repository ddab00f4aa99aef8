-- ARGV: batch, lease_ms. Whoever took the batch has heard of it: its results are to be written within this lease.
--- include keys, basics, when_full
also_when_full()
redis.call('ZADD', PREFIX .. 'finalizing', 'XX', now_ms() + tonumber(ARGV[2]), ARGV[1])
