-- Put in front of the scripts that change something: webhooks. An end and the delivery that tells of it are one step.
--- include keys

local MOST_OF_ONE = 20 -- deliveries about one job or batch: who tries it again and again leaves no more behind

-- Puts a delivery where a sender finds it at `at`.
local function schedule_delivery(id, host, at)
  redis.call('HSET', delivery_key(id), 'next_ms', at)
  redis.call('ZADD', PREFIX .. 'outbox:' .. host, at, id)
  redis.call('ZADD', PREFIX .. 'outboxes', 'LT', at, host)
end

local function remove_delivery(id)
  local owner, subject, host = unpack(redis.call('HMGET', delivery_key(id), 'owner', 'subject', 'host'))
  if not owner then
    return
  end
  redis.call('ZREM', PREFIX .. 'deliveries:' .. owner, id)
  redis.call('ZREM', PREFIX .. 'deliveries_of:' .. (subject or ''), id)
  redis.call('ZREM', PREFIX .. 'settled:' .. owner, id)
  redis.call('ZREM', PREFIX .. 'outbox:' .. host, id)
  redis.call('ZREM', PREFIX .. 'sending:' .. host, id)
  redis.call('DEL', delivery_key(id))
end

-- Those that tell of a job or batch go with it.
local function remove_deliveries(subject)
  for _, id in ipairs(redis.call('ZRANGE', PREFIX .. 'deliveries_of:' .. subject, 0, -1)) do
    remove_delivery(id)
  end
end

-- Makes a delivery; `facts` (field, value, ...) are what would not be known any more when it is sent.
local function add_delivery(id, owner, subject, type, webhook, created, facts)
  redis.call(
    'HSET', delivery_key(id), 'owner', owner, 'type', type, 'url', webhook.url, 'host', webhook.host,
    'root', webhook.root, 'status', 'pending', 'attempts', 0, 'before', 0, 'created_ms', created
  )
  if #facts > 0 then
    redis.call('HSET', delivery_key(id), unpack(facts))
  end
  redis.call('ZADD', PREFIX .. 'deliveries:' .. owner, 0, id)
  if subject then
    redis.call('HSET', delivery_key(id), 'subject', subject)
    local of_it = PREFIX .. 'deliveries_of:' .. subject
    redis.call('ZADD', of_it, 0, id)
    if redis.call('ZCARD', of_it) > MOST_OF_ONE then
      remove_delivery(redis.call('ZRANGE', of_it, 0, 0)[1])
    end
  end
  schedule_delivery(id, webhook.host, created)
end
