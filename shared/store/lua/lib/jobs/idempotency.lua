-- Idempotency keys of an owner, counted for the quota.
--- include keys, basics

local function remember_key(owner, name, seconds)
  local remembered, now = idempotent_key(owner), now_ms()
  redis.call('ZREMRANGEBYSCORE', remembered, '-inf', now)
  redis.call('ZADD', remembered, now + 1000 * seconds, name)
  redis.call('EXPIRE', remembered, seconds)
end
