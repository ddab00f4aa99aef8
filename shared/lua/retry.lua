-- ARGV: id, owner. Queues a failed, canceled or expired job again with all its attempts. Answers 1 if it did,
-- 0 if the job's status does not allow it, nothing if this owner has no such job.
local id, owner = ARGV[1], ARGV[2]
local status, holder = unpack(read(id, 'status', 'owner'))
if holder ~= owner then
  return nil
end
if not FINAL[status] or not transition(id, 'queued', { 'attempt', 0, 'queued_ms', now_ms() }) then
  return 0
end
redis.call('HDEL', job_key(id), 'error', 'started_ms', 'finished_ms', 'expires_ms')
wait_in_lane(id)
return 1
