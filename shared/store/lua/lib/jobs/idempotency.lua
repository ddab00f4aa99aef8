-- Idempotency keys of an owner, counted for the quota.
--- include keys, basics

local function remember_key(owner, name, seconds)
  local remembered, now = idempotent_key(owner), now_ms()
  redis.call('ZREMRANGEBYSCORE', remembered, '-inf', now)
  redis.call('ZADD', remembered, now + 1000 * seconds, name)
  redis.call('EXPIRE', remembered, seconds)
end

-- Forgets the key that made a job or batch, unless it has made another one since.
local function forget_name(name, id)
  local before = redis.call('GET', idempotency_key(name))
  if before and string.sub(before, -string.len(id)) == id then
    redis.call('DEL', idempotency_key(name))
    redis.call('ZREM', idempotent_key(string.match(name, '^[^:]+')), name)
  end
end
