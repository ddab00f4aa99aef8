-- Makes a secret the one that signs an owner's webhooks. Earlier secrets also sign for a while, the newest of them.
-- ARGV: owner, secret, overlap_ms (-1: only if the owner has no secret), most secrets to keep.
-- Returns {secret, time until which it signs, ...}, the current one first.
--- include keys, basics, when_full
also_when_full() -- an owner has only a few secrets
local owner, secret, overlap_ms, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local key = webhook_secrets_key(owner)
local now = now_ms()
local current = redis.call('ZRANGEBYSCORE', key, '+inf', '+inf')[1]
if current ~= secret and (not current or overlap_ms >= 0) then -- else the first reply was lost
  if current then
    redis.call('ZADD', key, now + overlap_ms, current)
  end
  redis.call('ZADD', key, '+inf', secret)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZREMRANGEBYRANK', key, 0, -1 - most)
end
return redis.call('ZREVRANGEBYSCORE', key, '+inf', '(' .. now, 'WITHSCORES')
