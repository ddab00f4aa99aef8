-- ARGV: resend_ms, lane... Puts right what lost workers and lost messages left behind, at most 100 of each:
-- ends jobs that passed their deadline, takes jobs from silent workers, and answers {lane, id, ...} of
-- messages that were sent more than resend_ms ago and that nobody has claimed, to be sent once more.
local now, resend_ms = now_ms(), tonumber(ARGV[1])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'deadlines', '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', PREFIX .. 'deadlines', id)
  if read(id, 'status')[1] == 'queued' then
    finish(id, 'expired')
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'leases', '-inf', now, 'LIMIT', 0, 100)) do
  abandon(id)
  redis.call('ZREM', PREFIX .. 'leases', id)
end
local lost = {}
for i = 2, #ARGV do
  local dispatched = PREFIX .. 'dispatched:' .. ARGV[i]
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', dispatched, '-inf', now - resend_ms, 'LIMIT', 0, 100)) do
    redis.call('ZADD', dispatched, 'XX', now, id)
    lost[#lost + 1] = ARGV[i]
    lost[#lost + 1] = id
  end
end
return lost
