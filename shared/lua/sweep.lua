-- ARGV: resend_ms, then lane, broker queue of each lane. Puts right what lost workers and lost messages left
-- behind, at most 500 of each: ends jobs that passed their deadline, takes jobs from silent workers, and answers
-- {lane, id, ...} of messages that may be lost: sent more than resend_ms ago, not claimed, and no longer in the
-- broker's list. The caller sends them once more; one too many is harmless.
local now, resend_ms = now_ms(), tonumber(ARGV[1])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'deadlines', '-inf', now, 'LIMIT', 0, 500)) do
  redis.call('ZREM', PREFIX .. 'deadlines', id)
  if read(id, 'status')[1] == 'queued' then
    finish(id, 'expired')
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'leases', '-inf', now, 'LIMIT', 0, 500)) do
  abandon(id)
  redis.call('ZREM', PREFIX .. 'leases', id)
end
local lost = {}
for i = 2, #ARGV, 2 do
  local lane, queue = ARGV[i], ARGV[i + 1]
  local dispatched = PREFIX .. 'dispatched:' .. lane
  if redis.call('LLEN', queue) == 0 then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', dispatched, '-inf', now - resend_ms, 'LIMIT', 0, 500)) do
      redis.call('ZADD', dispatched, 'XX', now, id)
      lost[#lost + 1] = lane
      lost[#lost + 1] = id
    end
  end
end
return lost
