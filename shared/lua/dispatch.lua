-- ARGV: lane, window. Moves jobs from waiting to dispatched until the window is full, one owner after
-- another, and answers their ids; the caller publishes a message for each.
local lane, window = ARGV[1], tonumber(ARGV[2])
local now = now_ms()
local scheduled = PREFIX .. 'scheduled:' .. lane
for _, id in ipairs(redis.call('ZRANGEBYSCORE', scheduled, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', scheduled, id)
  wait_in_lane(id)
end

local dispatched, turns = PREFIX .. 'dispatched:' .. lane, PREFIX .. 'turns:' .. lane
local ids = {}
local room = window - redis.call('ZCARD', dispatched)
while #ids < room do
  local owner = redis.call('ZRANGE', turns, 0, 0)[1]
  if not owner then
    break
  end
  local first = redis.call('ZPOPMIN', PREFIX .. 'waiting:' .. lane .. ':' .. owner)[1]
  if first then
    redis.call('ZADD', turns, redis.call('INCR', PREFIX .. 'turn:' .. lane), owner)
    redis.call('ZADD', dispatched, now, first)
    ids[#ids + 1] = first
  else
    redis.call('ZREM', turns, owner)
  end
end
return ids
