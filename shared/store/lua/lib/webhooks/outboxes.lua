--- include keys, basics

-- Notes when to look at a host's deliveries again: when the next one is due, or if it is being sent as many as may
-- be, when the first of these leases ends.
local function schedule_host(host, most)
  local next = redis.call('ZRANGE', PREFIX .. 'outbox:' .. host, 0, 0, 'WITHSCORES')
  if not next[1] then
    redis.call('ZREM', PREFIX .. 'outboxes', host)
    redis.call('SREM', PREFIX .. 'silent_hosts', host)
    return
  end
  local sending = PREFIX .. 'sending:' .. host
  local at = math.max(tonumber(next[2]), now_ms())
  if redis.call('ZCARD', sending) >= most then
    at = math.max(at, tonumber(redis.call('ZRANGE', sending, 0, 0, 'WITHSCORES')[2]))
  end
  redis.call('ZADD', PREFIX .. 'outboxes', at, host)
end

-- How many deliveries may be sent to a host at a time: one if it gave no answer to the last.
local function most_at_once_to(host, usual)
  return redis.call('SISMEMBER', PREFIX .. 'silent_hosts', host) == 1 and 1 or usual
end
