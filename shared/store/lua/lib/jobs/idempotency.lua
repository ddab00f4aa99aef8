--- include keys, basics

-- An owner's Idempotency-Key counts for so many seconds.
local function remember_key(owner, name, seconds)
  local remembered, now = PREFIX .. 'idempotent:' .. owner, now_ms()
  redis.call('ZREMRANGEBYSCORE', remembered, '-inf', now)
  redis.call('ZADD', remembered, now + 1000 * seconds, name)
  redis.call('EXPIRE', remembered, seconds)
end
