-- Lets a counted bulk action begin.
-- ARGV: id, owner, count.
-- Returns {status before, jobs counted}; nothing if this owner ('*': any) has no such action. It begins if the status
-- was 'counted' and the count is the same.
--- include keys
local id, owner, count = unpack(ARGV)
local holder, status, matched, start = unpack(redis.call('HMGET', bulk_key(id), 'owner', 'status', 'matched', 'start'))
if not holder or (owner ~= '*' and holder ~= owner) then
  return nil
end
if status == 'counted' and matched == count then
  redis.call('HSET', bulk_key(id), 'status', 'running', 'cursor', start)
  redis.call('SADD', bulk_working_key(), id)
end
return { status, tonumber(matched) }
