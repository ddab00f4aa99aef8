-- Webhook deliveries. The step that ends a job or batch also creates the delivery about it.
--- include keys

local MOST_OF_ONE = 20 -- deliveries about one job or batch, however often it is retried

-- Lets senders find a delivery from the time `at` on.
local function schedule_delivery(id, host, at)
  redis.call('HSET', delivery_key(id), 'next_ms', at)
  redis.call('ZADD', outbox_key(host), at, id)
  redis.call('ZADD', outboxes_key(), 'LT', at, host)
end

local function remove_delivery(id)
  local owner, subject, host = unpack(redis.call('HMGET', delivery_key(id), 'owner', 'subject', 'host'))
  if not owner then
    return
  end
  redis.call('ZREM', deliveries_key(owner), id)
  redis.call('ZREM', deliveries_of_key(subject or ''), id)
  redis.call('ZREM', settled_key(owner), id)
  redis.call('ZREM', outbox_key(host), id)
  redis.call('ZREM', sending_key(host), id)
  redis.call('DEL', delivery_key(id))
end

-- Removes the deliveries about a job or batch.
local function remove_deliveries(subject)
  for _, id in ipairs(redis.call('ZRANGE', deliveries_of_key(subject), 0, -1)) do
    remove_delivery(id)
  end
end

-- Creates a delivery. `facts` (field, value, ...) is what the record may not say any more when the delivery is sent.
local function add_delivery(id, owner, subject, type, webhook, created, facts)
  redis.call(
    'HSET', delivery_key(id), 'owner', owner, 'type', type, 'url', webhook.url, 'host', webhook.host,
    'root', webhook.root, 'status', 'pending', 'attempts', 0, 'before', 0, 'created_ms', created
  )
  if #facts > 0 then
    redis.call('HSET', delivery_key(id), unpack(facts))
  end
  redis.call('ZADD', deliveries_key(owner), 0, id)
  if subject then
    redis.call('HSET', delivery_key(id), 'subject', subject)
    local of_it = deliveries_of_key(subject)
    redis.call('ZADD', of_it, 0, id)
    if redis.call('ZCARD', of_it) > MOST_OF_ONE then
      remove_delivery(redis.call('ZRANGE', of_it, 0, 0)[1])
    end
  end
  schedule_delivery(id, webhook.host, created)
end
