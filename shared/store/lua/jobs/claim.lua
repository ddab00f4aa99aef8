-- ARGV: id, token, lease_ms, process ('': one with no other job), alone ('1': it holds no other job until this one
-- has ended), level (of what the caller understands). Claims the job that a message names. Returns {the record if the
-- job is now this caller's, 'alone' if it must run alone, 'too new' if it needs a higher level, else false; what was put
-- right first, as `tell` has it}, or nothing. The same token again is the same claim: its first answer was lost. A job
-- that is too new is parked until a worker that understands it is there, and no message goes round meanwhile; one of a
-- paused lane goes back to where it waited.
--- include keys, basics, when_full, waiting, paused, messages, recovery_log, silence, starts
also_when_full()
local id, token, lease_ms, process, alone, level = unpack(ARGV)
local status, holder = unpack(read(id, 'status', 'token'))
if holder == token then
  return { record_of(id), recovery_log }
end
if status == 'running' or status == 'canceling' then
  local lease_end = redis.call('ZSCORE', PREFIX .. 'leases', id)
  if lease_end and tonumber(lease_end) > now_ms() then
    return nil
  end
  take_from_silent_worker(id)
  status = read(id, 'status')[1]
end
if status ~= 'queued' or end_if_void(id) then
  return { false, recovery_log }
end
local lane, suspect, needs = unpack(read(id, 'lane', 'suspect', 'needs'))
if is_paused(lane) then
  wait_again(id)
  return { false, recovery_log }
end
if needs and tonumber(needs) > tonumber(level) then
  if redis.call('ZREM', PREFIX .. 'dispatched:' .. lane, id) == 1 then -- else it waits, and a message was one too many
    park_job(id, lane, needs)
  end
  return { 'too new', recovery_log }
end
if suspect and alone ~= '1' then
  return { 'alone', recovery_log }
end
note_arrival(lane, redis.call('ZSCORE', PREFIX .. 'dispatched:' .. lane, id))
leave_queue(id)
return { start_job(id, { token = token, process = process, lease_ms = lease_ms }), recovery_log }
