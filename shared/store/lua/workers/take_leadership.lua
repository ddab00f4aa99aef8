-- ARGV: step, token, ttl_ms. Takes or keeps the turn at a step that one worker does for all; 0 ms gives it up.
-- Answers 1 if the turn is the caller's now, else 0.
--- include keys, when_full
also_when_full()
local step, token, ttl_ms = unpack(ARGV)
local key = PREFIX .. 'step:' .. step
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
