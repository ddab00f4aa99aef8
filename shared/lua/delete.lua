-- ARGV: id, owner. Removes a job that no worker holds. Answers 1 if it did, 0 if a worker holds it, nothing if
-- this owner has no such job.
also_when_full()
local id, owner = ARGV[1], ARGV[2]
local status, holder = unpack(read(id, 'status', 'owner'))
if holder ~= owner then
  return nil
end
if status == 'running' or status == 'canceling' then
  return 0
end
remove(id)
return 1
