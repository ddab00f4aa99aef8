-- Repairs what lost workers and lost messages left behind, in steps.
-- ARGV: resend_ms, most (of each kind), then for each lane its name and its queue in the broker.
-- Returns {1 if there may be more, else 0; {lane, message, ...}; recovery log}.
-- Ends jobs that passed their deadline, takes jobs from silent workers, and returns messages that may be lost; the
-- caller sends those again, and one too many does no harm. A message that was sent
-- more than resend_ms ago and has not arrived may be lost if the broker's list is empty, or if it was overtaken. It
-- was overtaken if one sent later arrived more than resend_ms ago, because workers read a list in order.
--- include keys, basics, when_full, caps, paused, messages, recovery_log, endings, silent_workers
also_when_full()
local now, resend_ms, most = now_ms(), tonumber(ARGV[1]), tonumber(ARGV[2])
local overdue = redis.call('ZRANGEBYSCORE', deadlines_key(), '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(overdue) do
  redis.call('ZREM', deadlines_key(), id)
  if read(id, 'status')[1] == 'queued' then
    log_recovery_action(id, 'expired')
    end_job(id, 'expired')
  end
end

-- If nobody swept for half of resend_ms, and the gap is more than twice the one before it, then Redis was down or
-- out of reach. Live workers may have been unable to renew their leases, so they get some time for it, once.
local swept, pace = unpack(redis.call('HMGET', swept_key(), 'at', 'pace'))
local gap = swept and now - tonumber(swept) or 0
if gap > resend_ms / 2 and gap > 2 * tonumber(pace) then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases_key(), '-inf', now)) do
    redis.call('ZADD', leases_key(), now + math.floor(resend_ms / 3), id)
  end
end
redis.call('HSET', swept_key(), 'at', now, 'pace', gap)
local silent = redis.call('ZRANGEBYSCORE', leases_key(), '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(silent) do
  take_from_silent_worker(id)
  redis.call('ZREM', leases_key(), id)
end

-- Workers of an older version wake no owner; and a cap may have been raised. Owners without room will rest again.
for _, owner in ipairs(redis.call('SMEMBERS', resting_key())) do
  wake(owner)
end

-- Returns a time, as the end of a range: messages sent before it were overtaken. Returns nothing while it is unknown.
local function overtaken(lane)
  local key = overtaken_key(lane)
  local at, sent = unpack(redis.call('HMGET', key, 'at', 'sent'))
  local age = at and now - tonumber(at)
  if age and age >= 0 and age < resend_ms then
    return nil
  end
  local taken = redis.call('ZSCORE', taken_key(), lane)
  if taken and tonumber(taken) > now + 1000 then -- Redis' clock was set back
    redis.call('ZREM', taken_key(), lane)
    taken = nil
  end
  redis.call('HSET', key, 'at', now, 'sent', taken or 0)
  return age and age >= 0 and sent and '(' .. sent
end

local lost = {}

local function send_again(lane, key, message)
  redis.call('ZADD', key, 'XX', now, message)
  lost[#lost + 1] = lane
  lost[#lost + 1] = message
end

-- Sends messages that name jobs again. In a paused lane the jobs wait in the lane again instead.
local function resend_named(lane, last)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', dispatched_key(lane), '-inf', last, 'LIMIT', 0, most)) do
    if is_paused(lane) then
      return_to_lane(id)
    else
      send_again(lane, dispatched_key(lane), id)
      log_recovery_action(id, 'resent')
    end
  end
end

-- Sends calls again; a paused lane needs none.
local function resend_calls(lane, last)
  for _, call in ipairs(redis.call('ZRANGEBYSCORE', calls_key(lane), '-inf', last, 'LIMIT', 0, most)) do
    if is_paused(lane) then
      redis.call('ZREM', calls_key(lane), call)
    else
      send_again(lane, calls_key(lane), call)
    end
  end
end

for i = 3, #ARGV, 2 do
  local lane, queue = ARGV[i], ARGV[i + 1]
  local last = redis.call('LLEN', queue) == 0 and now - resend_ms or overtaken(lane)
  if last then
    resend_named(lane, last)
    resend_calls(lane, last)
  end
end
return { (#overdue == most or #silent == most) and 1 or 0, lost, recovery_log }
