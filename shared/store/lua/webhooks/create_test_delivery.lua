-- ARGV: id, owner, url, host, root, quotas (JSON). Makes a delivery that tells of nothing. Returns the quota that the owner
-- would exceed; nothing if there is room.
--- include keys, basics, quotas, deliveries
local id, owner, url, host, root, quotas = unpack(ARGV)
if redis.call('EXISTS', delivery_key(id)) == 0 then -- else sent twice, because the first answer was lost
  local kind = exceeded(owner, cjson.decode(quotas), { deliveries = 1 })
  if kind then
    return kind
  end
  redis.call('SADD', PREFIX .. 'owners', owner)
  add_delivery(id, owner, nil, 'webhook.test', { url = url, host = host, root = root }, now_ms(), {})
end
