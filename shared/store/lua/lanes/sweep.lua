-- ARGV: resend_ms, most, then lane, broker queue of each lane. Puts right what lost workers and lost messages left
-- behind, at most `most` of each: ends jobs that passed their deadline, takes jobs from silent workers, and returns
-- {1 if there may be more, else 0; {lane, message, ...}; what was done, as `tell` has it}. The messages are those that
-- may be lost: sent more than resend_ms ago, not arrived, and either no longer in the broker's list, which is empty, or
-- overtaken: a list is taken from in order, and one sent later arrived more than resend_ms ago. The caller sends them
-- once more; one too many is harmless.
--- include keys, basics, when_full, paused, messages, recovery_log, endings, silence
also_when_full()
local now, resend_ms, most = now_ms(), tonumber(ARGV[1]), tonumber(ARGV[2])
local overdue = redis.call('ZRANGEBYSCORE', PREFIX .. 'deadlines', '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(overdue) do
  redis.call('ZREM', PREFIX .. 'deadlines', id)
  if read(id, 'status')[1] == 'queued' then
    log_recovery_action(id, 'expired')
    end_job(id, 'expired')
  end
end

-- Where nobody swept for half of that time, and for longer than between the sweeps before, Redis or the way to it was
-- away, and workers may be alive that could not renew their leases: they get a moment for it, once.
local swept, pace = unpack(redis.call('HMGET', PREFIX .. 'swept', 'at', 'pace'))
local gap = swept and now - tonumber(swept) or 0
if gap > resend_ms / 2 and gap > 2 * tonumber(pace) then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'leases', '-inf', now)) do
    redis.call('ZADD', PREFIX .. 'leases', now + math.floor(resend_ms / 3), id)
  end
end
redis.call('HSET', PREFIX .. 'swept', 'at', now, 'pace', gap)
local silent = redis.call('ZRANGEBYSCORE', PREFIX .. 'leases', '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(silent) do
  take_from_silent_worker(id)
  redis.call('ZREM', PREFIX .. 'leases', id)
end

-- When the last message was sent that was overtaken; nothing while that is not known.
local function overtaken(lane)
  local key = PREFIX .. 'overtaken:' .. lane
  local at, sent = unpack(redis.call('HMGET', key, 'at', 'sent'))
  local age = at and now - tonumber(at)
  if age and age >= 0 and age < resend_ms then
    return nil
  end
  local taken = redis.call('ZSCORE', PREFIX .. 'taken', lane)
  if taken and tonumber(taken) > now + 1000 then -- the clock was put back
    redis.call('ZREM', PREFIX .. 'taken', lane)
    taken = nil
  end
  redis.call('HSET', key, 'at', now, 'sent', taken or 0)
  return age and age >= 0 and sent and '(' .. sent
end

local lost = {}

-- Has a message sent once more. Of a paused lane none is sent: the job that one names waits in the store again.
local function send_again(lane, kind, message)
  local key, names_job = PREFIX .. kind .. ':' .. lane, kind == 'dispatched'
  if not is_paused(lane) then
    redis.call('ZADD', key, 'XX', now, message)
    lost[#lost + 1] = lane
    lost[#lost + 1] = message
    if names_job then
      log_recovery_action(message, 'resent')
    end
  elseif names_job then
    wait_again(message)
  else
    redis.call('ZREM', key, message)
  end
end

for i = 3, #ARGV, 2 do
  local lane, queue = ARGV[i], ARGV[i + 1]
  local last = redis.call('LLEN', queue) == 0 and now - resend_ms or overtaken(lane)
  for _, kind in ipairs(last and { 'dispatched', 'calls' } or {}) do
    for _, message in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. kind .. ':' .. lane, '-inf', last, 'LIMIT', 0, most)) do
      send_again(lane, kind, message)
    end
  end
end
return { (#overdue == most or #silent == most) and 1 or 0, lost, recovery_log }
