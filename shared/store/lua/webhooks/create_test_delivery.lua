-- Creates a delivery about no job or batch.
-- ARGV: id, owner, url, host, root, quotas (JSON).
-- Returns the quota that the owner would exceed; nothing if the delivery was created.
--- include keys, basics, quotas, deliveries
local id, owner, url, host, root, quotas = unpack(ARGV)
if redis.call('EXISTS', delivery_key(id)) == 0 then -- else the first reply was lost
  local kind = exceeded(owner, cjson.decode(quotas), { deliveries = 1 })
  if kind then
    return kind
  end
  redis.call('SADD', owners_key(), owner)
  add_delivery(id, owner, nil, 'webhook.test', { url = url, host = host, root = root }, now_ms(), {})
end
