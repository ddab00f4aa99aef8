-- Claims the job that a message names.
-- ARGV: id, token, lease_ms, process ('' if it never has another job), alone ('1' if it holds no other job until this
-- one has ended), level (the record version that the caller understands), most_running (the usual cap, caps.lua).
-- Returns {the record if the job is now the caller's, 'alone' if it must run alone, 'too new' if it needs a higher
-- level, else false; recovery log}; nothing if another worker holds the job.
-- A repeated token means that the first reply was lost, so it gets the same job. A job that is too new is parked until
-- a worker that understands it is there, so its message does not go round. A job of a paused lane, or
-- of an owner at its cap, waits in the lane again. A job that must run alone starts in spite of the cap: it would lose
-- its turn to the owner's other jobs each time, because it has to wait for a worker without jobs.
--- include keys, basics, when_full, waiting, caps, paused, messages, recovery_log, silent_workers, starts
also_when_full()
local id, token, lease_ms, process, alone, level, most_running = unpack(ARGV)
local status, holder = unpack(read(id, 'status', 'token'))
if holder == token then
  return { record_of(id), recovery_log }
end
if status == 'running' or status == 'canceling' then
  local lease_end = redis.call('ZSCORE', leases_key(), id)
  if lease_end and tonumber(lease_end) > now_ms() then
    return nil
  end
  take_from_silent_worker(id)
  status = read(id, 'status')[1]
end
if status ~= 'queued' or end_if_void(id) then
  return { false, recovery_log }
end
local lane, owner, suspect, needs = unpack(read(id, 'lane', 'owner', 'suspect', 'needs'))
if is_paused(lane) or (not suspect and room_of(owner, most_running) <= 0) then
  return_to_lane(id)
  return { false, recovery_log }
end
if needs and tonumber(needs) > tonumber(level) then
  if redis.call('ZREM', dispatched_key(lane), id) == 1 then -- else it waits, and this message was one too many
    park_job(id, lane, needs)
  end
  return { 'too new', recovery_log }
end
if suspect and alone ~= '1' then
  return { 'alone', recovery_log }
end
note_arrival(lane, redis.call('ZSCORE', dispatched_key(lane), id))
leave_queue(id)
return { start_job(id, { token = token, process = process, lease_ms = lease_ms }), recovery_log }
