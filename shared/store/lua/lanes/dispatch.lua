-- ARGV: lane, window. Returns messages that the caller is to publish, once the window is half empty until it is full:
-- half a window at a time is one batch of messages instead of one message after every job. Each is a call, for whichever
-- job is next when it is answered, and there are no more of them than jobs that wait. As long as a worker of an older
-- version is alive, which knows no calls, messages name jobs instead, those that are next now. The key `window` widens
-- the window for large fleets. For a paused lane there are none.
--- include keys, basics, when_full, depth, waiting, turns, paused
also_when_full()
local CALLS_KNOWN_MS = 60000 -- a worker that was silent for longer is no reason to name jobs
local TICKS = 4096 -- parts of a millisecond that a score can tell apart: messages of one step keep their order
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

local dispatched, calls = PREFIX .. 'dispatched:' .. lane, PREFIX .. 'calls:' .. lane
local called = redis.call('ZCARD', calls)
local room = window - called - redis.call('ZCARD', dispatched)
if room < window / 2 then
  return {}
end

local function all_know_calls()
  local alive = redis.call('ZRANGEBYSCORE', PREFIX .. 'workers', (now - CALLS_KNOWN_MS) / 1000, '+inf')
  for _, knows in ipairs(alive[1] and redis.call('SMISMEMBER', PREFIX .. 'workers:calls', unpack(alive)) or {}) do
    if knows == 0 then
      return false
    end
  end
  return true
end

local messages = {}
if all_know_calls() then
  local waiting = waiting_in(lane, called + room)
  if waiting == 0 then
    next_job(lane) -- finds nothing, and removes the turns of owners of whom no job waits
  end
  for number = 1, waiting - called do
    local call = 'call_' .. redis.call('INCR', PREFIX .. 'called')
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
  leave_as_next(lane, id, name, owner)
  redis.call('ZADD', dispatched, now + #messages / TICKS, id)
  messages[#messages + 1] = id
end
return messages
