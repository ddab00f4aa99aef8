-- ARGV: id, owner. Queues a failed, canceled or expired job again with all its attempts. Answers 1 if it did, 0 if the
-- job's or its batch's status does not allow it or its picture's place is another's, nothing if this owner has no such
-- job.
--- include basics, retries
local id, owner = ARGV[1], ARGV[2]
if read(id, 'owner')[1] ~= owner then
  return nil
end
return try_again(id) and 1 or 0
