-- ARGV: id, owner, url, host, root. Makes a delivery that tells of nothing.
local id, owner, url, host, root = unpack(ARGV)
if redis.call('EXISTS', delivery_key(id)) == 0 then -- else sent twice, because the first answer was lost
  redis.call('SADD', PREFIX .. 'owners', owner)
  add_delivery(id, owner, nil, 'webhook.test', { url = url, host = host, root = root }, now_ms(), {})
end
