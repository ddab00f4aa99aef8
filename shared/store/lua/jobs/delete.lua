-- Removes a job that no worker holds.
-- ARGV: id, owner.
-- Returns the keys of the pictures that may exist; 0 if a worker holds the job; nothing if this owner has no such
-- job.
--- include basics, when_full, removal
also_when_full()
local id, owner = ARGV[1], ARGV[2]
local status, holder = unpack(read(id, 'status', 'owner'))
if holder ~= owner then
  return nil
end
if status == 'running' or status == 'canceling' then
  return 0
end
return remove_job(id, true)
