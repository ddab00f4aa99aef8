-- ARGV: lane, window. Once the window is half empty, moves jobs from waiting to dispatched until it is full, one
-- owner after another, and answers their ids; the caller publishes a message for each. Half a window at a time
-- is one batch of messages instead of one message after every job. The key `window` widens it for large fleets.
-- Of a paused lane nothing moves.
local lane = ARGV[1]
if is_paused(lane) then
  return {}
end
local window = math.max(tonumber(ARGV[2]), tonumber(redis.call('GET', PREFIX .. 'window') or 0))
local now = now_ms()
local scheduled = PREFIX .. 'scheduled:' .. lane
for _, id in ipairs(redis.call('ZRANGEBYSCORE', scheduled, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', scheduled, id)
  wait_in_lane(id)
end

-- Takes the first job of an owner: of the single jobs and the batches, what was queued first.
local function take_first(owner)
  local singles, batches = PREFIX .. 'line:' .. lane .. ':' .. owner, PREFIX .. 'batchline:' .. lane .. ':' .. owner
  while true do
    local single = redis.call('ZRANGE', singles, 0, 0, 'WITHSCORES')
    local batch = redis.call('ZRANGE', batches, 0, 0, 'WITHSCORES')
    if not batch[1] or (single[1] and tonumber(single[2]) < tonumber(batch[2])) then
      return redis.call('ZPOPMIN', singles)[1]
    end
    local first = redis.call('ZPOPMIN', PREFIX .. 'line:' .. lane .. ':' .. batch[1])[1]
    if first then
      return first
    end
    redis.call('ZREM', batches, batch[1])
  end
end

local TICKS = 4096 -- parts of a millisecond that a score can tell apart: messages of one step keep their order
local dispatched, turns = PREFIX .. 'dispatched:' .. lane, PREFIX .. 'turns:' .. lane
local ids = {}
local room = window - redis.call('ZCARD', dispatched)
if room < window / 2 then
  return ids
end
while #ids < room do
  local owner = redis.call('ZRANGE', turns, 0, 0)[1]
  if not owner then
    break
  end
  local first = take_first(owner)
  if first then
    redis.call('ZADD', turns, redis.call('INCR', PREFIX .. 'turn:' .. lane), owner)
    redis.call('ZADD', dispatched, now + #ids / TICKS, first)
    ids[#ids + 1] = first
  else
    redis.call('ZREM', turns, owner)
  end
end
return ids
