-- ARGV: lane, call, token, lease_ms, process ('': one with no other job), alone ('1': it holds no other job until this
-- one has ended), level (of what the caller understands). Answers a call: claims the job of the lane that is next.
-- Returns {the record, 'alone' if the job must run alone, else false; what was put right first, as `tell` has it; the
-- job}. One that must run alone is from now on named by a message: the caller's own, until it claims it by its id. The
-- same token again is the same claim: its first answer was lost. What is overdue ends, what is too new is parked.
--- include keys, basics, when_full, waiting, turns, paused, messages, recovery_log, starts
local MOST_AT_ONCE = 500 -- jobs that one step looks at

also_when_full()
local lane, call, token, lease_ms, process, alone, level = unpack(ARGV)
local sent = redis.call('ZSCORE', PREFIX .. 'calls:' .. lane, call)
for _, id in ipairs(sent and {} or redis.call('SMEMBERS', PREFIX .. 'held:' .. process)) do
  if read(id, 'token')[1] == token then
    return { record_of(id), recovery_log, id }
  end
end
note_arrival(lane, sent)
redis.call('ZREM', PREFIX .. 'calls:' .. lane, call)
if is_paused(lane) then
  return { false, recovery_log }
end

for _ = 1, MOST_AT_ONCE do
  local id, name, owner = next_job(lane)
  if not id then
    break
  end
  local suspect, needs = unpack(read(id, 'suspect', 'needs'))
  if needs and tonumber(needs) > tonumber(level) then
    leave_line(lane, name, id)
    park_job(id, lane, needs)
  elseif not end_if_void(id) then
    leave_as_next(lane, id, name, owner)
    if suspect and alone ~= '1' then
      redis.call('ZADD', PREFIX .. 'dispatched:' .. lane, now_ms(), id)
      return { 'alone', recovery_log, id }
    end
    return { start_job(id, { token = token, process = process, lease_ms = lease_ms }), recovery_log, id }
  end
end
return { false, recovery_log }
