-- ARGV: id, owner. Answers the status after it; nothing if this owner has no such job.
local id, owner = ARGV[1], ARGV[2]
local status, holder = unpack(read(id, 'status', 'owner'))
if holder ~= owner then
  return nil
end
if status == 'queued' then
  finish(id, 'canceled')
elseif status == 'running' then
  transition(id, 'canceling')
end
return read(id, 'status')[1]
