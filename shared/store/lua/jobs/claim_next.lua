-- Claims the lane's next job for a call.
-- ARGV: lane, call, then token, lease_ms, process, alone, level as in claim.lua.
-- Returns {the record, 'alone' if the job must run alone, or false if no job can start; recovery log; id of the job}.
-- If the next job must run alone, it leaves its line and counts as named by the caller's message. The caller then
-- claims it by its id. A repeated token means that the first reply was lost, so it gets the same job. Overdue jobs end,
-- and jobs that are too new are parked.
--- include keys, basics, when_full, waiting, turns, paused, messages, recovery_log, starts
local MOST_AT_ONCE = 500 -- jobs to look at in one step

also_when_full()
local lane, call, token, lease_ms, process, alone, level = unpack(ARGV)
local sent = redis.call('ZSCORE', calls_key(lane), call)
for _, id in ipairs(sent and {} or redis.call('SMEMBERS', held_key(process))) do
  if read(id, 'token')[1] == token then
    return { record_of(id), recovery_log, id }
  end
end
note_arrival(lane, sent)
redis.call('ZREM', calls_key(lane), call)
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
      redis.call('ZADD', dispatched_key(lane), now_ms(), id)
      return { 'alone', recovery_log, id }
    end
    return { start_job(id, { token = token, process = process, lease_ms = lease_ms }), recovery_log, id }
  end
end
return { false, recovery_log }
