-- Takes, keeps or gives up the leader lock of a step that only one worker does at a time.
-- ARGV: step, token, ttl_ms (0 gives it up).
-- Returns 1 if the caller leads now, else 0.
--- include keys, when_full
also_when_full()
local step, token, ttl_ms = unpack(ARGV)
local key = step_key(step)
local holder = redis.call('GET', key)
if holder and holder ~= token then
  return 0
end
if ttl_ms == '0' then
  redis.call('DEL', key)
  return 0
end
redis.call('SET', key, token, 'PX', ttl_ms)
return 1
