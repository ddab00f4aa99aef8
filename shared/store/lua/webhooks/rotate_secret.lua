-- ARGV: owner, secret, overlap_ms, most; overlap -1: only if there is none. From now on the secret signs the owner's
-- webhooks, and those before it for a while longer, the newest of them. Answers {secret, time until which, ...}, the
-- one that stays first.
--- include keys, basics, when_full
also_when_full() -- there are never more than a few
local owner, secret, overlap_ms, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local key = PREFIX .. 'webhook_secrets:' .. owner
local now = now_ms()
local current = redis.call('ZRANGEBYSCORE', key, '+inf', '+inf')[1]
if current ~= secret and (not current or overlap_ms >= 0) then -- else sent twice, because the first answer was lost
  if current then
    redis.call('ZADD', key, now + overlap_ms, current)
  end
  redis.call('ZADD', key, '+inf', secret)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZREMRANGEBYRANK', key, 0, -1 - most)
end
return redis.call('ZREVRANGEBYSCORE', key, '+inf', '(' .. now, 'WITHSCORES')
