-- Makes a delivery due now, with all its attempts. If it is being sent, that goes on.
-- ARGV: id, owner.
-- Returns 1; nothing if this owner has no such delivery.
--- include keys, basics, when_full, deliveries
also_when_full()
local id, owner = ARGV[1], ARGV[2]
local key = delivery_key(id)
local holder, host, attempts = unpack(redis.call('HMGET', key, 'owner', 'host', 'attempts'))
if holder ~= owner then
  return nil
end
if not redis.call('ZSCORE', sending_key(host), id) then
  redis.call('ZREM', settled_key(owner), id)
  redis.call('HSET', key, 'status', 'pending', 'before', attempts)
  schedule_delivery(id, host, now_ms())
end
return 1
