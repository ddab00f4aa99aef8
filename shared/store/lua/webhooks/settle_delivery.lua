-- Stores the outcome of an attempt at a delivery.
-- ARGV: id, token, status after the attempt, delay_ms until the next one if it is 'pending', the attempt as JSON,
-- most to one host at a time, silent ('1': the host did not respond), most attempts to keep, most settled deliveries
-- to keep.
-- Returns 1; 0 if the caller does not hold the delivery any more.
--- include keys, basics, when_full, deliveries, outboxes
also_when_full()
local id, token, status, delay_ms, attempt, usual, silent, most_attempts, most_settled = unpack(ARGV)
local key = delivery_key(id)
local owner, host, holder = unpack(redis.call('HMGET', key, 'owner', 'host', 'token'))
if holder ~= token then
  return 0
end
local number = redis.call('HINCRBY', key, 'attempts', 1)
redis.call('HDEL', key, 'token', 'next_ms', 'attempt:' .. (number - tonumber(most_attempts)))
redis.call('HSET', key, 'status', status, 'attempt:' .. number, attempt)
redis.call('ZREM', sending_key(host), id)
redis.call('ZREM', outbox_key(host), id)
redis.call(silent == '1' and 'SADD' or 'SREM', silent_hosts_key(), host)
if status == 'pending' then
  schedule_delivery(id, host, now_ms() + tonumber(delay_ms))
else
  local settled = settled_key(owner)
  redis.call('ZADD', settled, now_ms(), id)
  local too_many = redis.call('ZCARD', settled) - tonumber(most_settled)
  for _, oldest in ipairs(too_many > 0 and redis.call('ZRANGE', settled, 0, math.min(too_many, 100) - 1) or {}) do
    remove_delivery(oldest)
  end
end
schedule_host(host, most_at_once_to(host, tonumber(usual)))
return 1
