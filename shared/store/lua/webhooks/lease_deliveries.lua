-- Leases deliveries that are due, host by host.
-- ARGV: token, lease_ms, number, most to one host at a time.
-- Returns {id, record} of each.
-- A delivery is due again when its lease ends: the reply was lost, or the sender fell silent.
--- include keys, basics, when_full, outboxes
also_when_full()
local token, lease_ms, number, usual = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now = now_ms()
local leased = {}
for _, host in ipairs(redis.call('ZRANGEBYSCORE', outboxes_key(), '-inf', now, 'LIMIT', 0, 100)) do
  if #leased >= number then
    break
  end
  local outbox, sending = outbox_key(host), sending_key(host)
  redis.call('ZREMRANGEBYSCORE', sending, '-inf', now)
  local most = most_at_once_to(host, usual)
  local room = math.min(number - #leased, most - redis.call('ZCARD', sending))
  local due = room > 0 and redis.call('ZRANGEBYSCORE', outbox, '-inf', now, 'LIMIT', 0, room) or {}
  for _, id in ipairs(due) do
    redis.call('HSET', delivery_key(id), 'token', token)
    redis.call('ZADD', outbox, now + lease_ms, id)
    redis.call('ZADD', sending, now + lease_ms, id)
    leased[#leased + 1] = { id, redis.call('HGETALL', delivery_key(id)) }
  end
  schedule_host(host, most)
end
return leased
