-- Cancels a job.
-- ARGV: id, owner.
-- Returns the status afterwards; nothing if this owner has no such job.
--- include basics, when_full, endings
also_when_full()
local id, owner = ARGV[1], ARGV[2]
if read(id, 'owner')[1] ~= owner then
  return nil
end
cancel_job(id)
return read(id, 'status')[1]
