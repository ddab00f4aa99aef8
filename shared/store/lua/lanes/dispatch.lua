-- Chooses messages to publish, once the window of a lane is half empty.
-- ARGV: lane, window, largest (the most jobs in a bundle), most_running (the usual cap of an owner, caps.lua).
-- Returns the messages: calls, or ids of jobs.
-- Half a window at a time is one batch of messages, instead of one message after every job. Each call asks for the
-- job that is next when the call arrives, and there are no more calls than waiting jobs. If more jobs wait than the
-- window has room for, and all living workers know bundles, each call asks for several jobs. While a worker of an older
-- version is alive that does not understand calls, messages name the next jobs instead. The key `window` widens the
-- window for large fleets. A paused lane gets no messages.
--- include keys, basics, when_full, depth, waiting, turns, caps, paused
also_when_full()
local CALLS_KNOWN_MS = 60000 -- a worker silent for longer counts as gone
local TICKS = 4096 -- parts of a millisecond that a score can tell apart, so messages of one step keep their order
local lane, largest, most_running = ARGV[1], tonumber(ARGV[3]), ARGV[4]
if is_paused(lane) then
  return {}
end
local window = math.max(tonumber(ARGV[2]), tonumber(redis.call('GET', window_key()) or 0))
local now = now_ms()
local scheduled = scheduled_key(lane)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', scheduled, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', scheduled, id)
  wait_in_lane(id)
end

local dispatched, calls = dispatched_key(lane), calls_key(lane)
local called = redis.call('ZCARD', calls)
local room = window - called - redis.call('ZCARD', dispatched)
if room < window / 2 then
  return {}
end

local alive = redis.call('ZRANGEBYSCORE', workers_key(), (now - CALLS_KNOWN_MS) / 1000, '+inf')

-- Returns whether all living workers are in a set.
local function all_know(key)
  for _, knows in ipairs(alive[1] and redis.call('SMISMEMBER', key, unpack(alive)) or {}) do
    if knows == 0 then
      return false
    end
  end
  return true
end

-- Returns how many more jobs of an owner may run. An owner without room rests.
local function room_or_rest(owner)
  local room_of_owner = room_of(owner, most_running)
  if room_of_owner <= 0 then
    rest(lane, owner)
  end
  return room_of_owner
end

local messages = {}
if all_know(workers_calls_key()) then
  local waiting = waiting_in(lane, window * largest, room_or_rest)
  if waiting == 0 then
    next_job(lane) -- finds no job, and removes owners without waiting jobs from the rotation
  end
  local size = math.min(largest, math.floor(waiting / window))
  local several = size > 1 and all_know(workers_bundles_key()) and 'x' .. size or ''
  local wanted = several ~= '' and math.ceil(waiting / size) or waiting
  for number = 1, math.min(room, wanted - called) do
    local call = 'call_' .. redis.call('INCR', called_key()) .. several
    redis.call('ZADD', calls, now + number / TICKS, call)
    messages[number] = call
  end
  return messages
end
while #messages < room do
  local id, name, owner = next_job(lane)
  if not id then
    break
  end
  if room_or_rest(owner) > 0 then
    leave_as_next(lane, id, name, owner)
    redis.call('ZADD', dispatched, now + #messages / TICKS, id)
    messages[#messages + 1] = id
  end
end
return messages
