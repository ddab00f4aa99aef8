-- ARGV: lease_ms. Answers the id of a batch whose results the caller is to write within the lease, or nothing.
--- include keys, basics, when_full
also_when_full()
local now = now_ms()
local batch = redis.call('ZRANGEBYSCORE', PREFIX .. 'finalizing', '-inf', now, 'LIMIT', 0, 1)[1]
if batch then
  redis.call('ZADD', PREFIX .. 'finalizing', now + tonumber(ARGV[1]), batch)
end
return batch
