-- Stores a worker process's heartbeat, and forgets processes that fell silent.
-- ARGV: id, description (JSON), forget_ms (how long a process may be silent), lanes, rate ('' if not known yet).
-- Returns 1 if the process is to end once it holds no job, else 0.
--- include keys, basics, when_full, workers
also_when_full()
local id, description, forget_ms, lanes, rate = unpack(ARGV)
local now = now_ms()
redis.call('ZADD', workers_key(), now / 1000, id)
redis.call('HSET', worker_infos_key(), id, description)
redis.call('SADD', workers_calls_key(), id)
redis.call('SADD', workers_bundles_key(), id)
if rate ~= '' then
  redis.call('HSET', worker_rates_key(), lanes, rate)
end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', workers_key(), '-inf', (now - tonumber(forget_ms)) / 1000)) do
  forget_worker(gone)
end
return redis.call('SISMEMBER', workers_draining_key(), id)
