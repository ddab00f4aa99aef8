-- Leases a batch whose results the caller is to write.
-- ARGV: lease_ms.
-- Returns the id of the batch; nothing if there is none.
--- include keys, basics, when_full
also_when_full()
local now = now_ms()
local batch = redis.call('ZRANGEBYSCORE', finalizing_key(), '-inf', now, 'LIMIT', 0, 1)[1]
if batch then
  redis.call('ZADD', finalizing_key(), now + tonumber(ARGV[1]), batch)
end
return batch
