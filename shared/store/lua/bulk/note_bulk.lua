-- Notes that a step of a bulk action is done.
-- ARGV: id, token, jobs reached, jobs changed, next cursor ('': none).
-- Returns 1; 0 if another process has the lease by now.
--- include keys, when_full
also_when_full()
local id, token, reached, changed, cursor = unpack(ARGV)
local key = bulk_key(id)
local holder, status = unpack(redis.call('HMGET', key, 'token', 'status'))
if holder ~= token then
  return 0
end
redis.call('HINCRBY', key, status == 'counting' and 'matched' or 'looked', reached)
redis.call('HINCRBY', key, 'changed', changed)
redis.call('HSET', key, 'cursor', cursor)
redis.call('HDEL', key, 'token', 'lease_until')
if cursor == '' then
  redis.call('HSET', key, 'status', status == 'counting' and 'counted' or 'done')
  redis.call('SREM', bulk_working_key(), id)
end
return 1
