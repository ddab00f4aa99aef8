-- Renews the lease of a batch whose results the caller is writing.
-- ARGV: batch, lease_ms.
-- Returns nothing.
--- include keys, basics, when_full
also_when_full()
redis.call('ZADD', finalizing_key(), 'XX', now_ms() + tonumber(ARGV[2]), ARGV[1])
