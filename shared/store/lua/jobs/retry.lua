-- Queues a failed, canceled or expired job again, with all its attempts.
-- ARGV: id, owner.
-- Returns 1 if it was queued; 0 if the status of the job or its batch does not allow it; nothing if this owner has no
-- such job.
--- include basics, retries
local id, owner = ARGV[1], ARGV[2]
if read(id, 'owner')[1] ~= owner then
  return nil
end
return retry_job(id) and 1 or 0
