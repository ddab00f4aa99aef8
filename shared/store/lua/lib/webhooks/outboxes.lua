-- Hosts to which deliveries are sent.
--- include keys, basics

-- Notes when to look at a host's deliveries again: when the next one is due or, if no more may be sent at a time,
-- when the first lease ends.
local function schedule_host(host, most)
  local next = redis.call('ZRANGE', outbox_key(host), 0, 0, 'WITHSCORES')
  if not next[1] then
    redis.call('ZREM', outboxes_key(), host)
    redis.call('SREM', silent_hosts_key(), host)
    return
  end
  local sending = sending_key(host)
  local at = math.max(tonumber(next[2]), now_ms())
  if redis.call('ZCARD', sending) >= most then
    at = math.max(at, tonumber(redis.call('ZRANGE', sending, 0, 0, 'WITHSCORES')[2]))
  end
  redis.call('ZADD', outboxes_key(), at, host)
end

-- Returns how many deliveries may be sent to a host at a time: one if it did not respond to the last.
local function most_at_once_to(host, usual)
  return redis.call('SISMEMBER', silent_hosts_key(), host) == 1 and 1 or usual
end
