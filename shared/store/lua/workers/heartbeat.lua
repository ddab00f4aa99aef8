-- ARGV: id, description (JSON), forget_ms, lanes, rate ('' while it is not known). A heartbeat of a worker process; those
-- that were silent for longer are forgotten. Answers 1 if it is to end when it holds no job, else 0.
--- include keys, basics, when_full, workers
also_when_full()
local id, description, forget_ms, lanes, rate = unpack(ARGV)
local now = now_ms()
redis.call('ZADD', PREFIX .. 'workers', now / 1000, id)
redis.call('HSET', PREFIX .. 'worker:infos', id, description)
redis.call('SADD', PREFIX .. 'workers:calls', id)
if rate ~= '' then
  redis.call('HSET', PREFIX .. 'worker:rates', lanes, rate)
end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'workers', '-inf', (now - tonumber(forget_ms)) / 1000)) do
  forget_worker(gone)
end
return redis.call('SISMEMBER', PREFIX .. 'workers:draining', id)
