-- Leases the next step of a bulk action.
-- ARGV: id, token, lease_ms.
-- Returns the record; nothing if there is no step to do, or another process does it.
--- include keys, basics, when_full
also_when_full()
local id, token, lease_ms = unpack(ARGV)
local status, until_ms = unpack(redis.call('HMGET', bulk_key(id), 'status', 'lease_until'))
if status ~= 'counting' and status ~= 'running' then
  redis.call('SREM', bulk_working_key(), id)
  return nil
end
if until_ms and (tonumber(until_ms) or 0) > now_ms() then
  return nil
end
redis.call('HSET', bulk_key(id), 'token', token, 'lease_until', now_ms() + tonumber(lease_ms))
return redis.call('HGETALL', bulk_key(id))
