-- Put in front of the scripts that change something: webhooks. An end and the delivery that tells of it are one step.

local MOST_OF_ONE = 20 -- deliveries about one job or batch: who tries it again and again leaves no more behind

-- Puts a delivery where a sender finds it at `at`.
local function line_up(id, host, at)
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
  line_up(id, webhook.host, created)
end

-- Owes the receiver of a record's webhook a delivery, if it wants to hear of this event. Its id is as good as random,
-- sorts by time, and is another one for each end of the same job.
local function tell(subject, key, type, fields)
  local owner, text, seq, created = unpack(redis.call('HMGET', key, 'owner', 'webhook', 'seq', 'finished_ms'))
  local webhook = text and cjson.decode(text)
  local wanted = false
  for _, event in ipairs(webhook and webhook.events or {}) do
    wanted = wanted or event == type
  end
  if not wanted then
    return
  end
  local facts = {}
  for index, value in ipairs(redis.call('HMGET', key, unpack(fields))) do
    if value then
      facts[#facts + 1] = fields[index]
      facts[#facts + 1] = value
    end
  end
  local digest = redis.sha1hex(subject .. ' ' .. seq .. ' ' .. type)
  local id = string.format('msg_%012x', created) .. string.sub(digest, 1, 20)
  add_delivery(id, owner, subject, type, webhook, created, facts)
end

local function tell_of_job(id)
  tell(id, job_key(id), 'job.' .. read(id, 'status')[1], { 'attempt', 'error' })
end

local function tell_of_batch(id)
  local fields = { 'succeeded', 'failed', 'canceled', 'expired', 'error' }
  tell(id, batch_key(id), 'batch.' .. redis.call('HGET', batch_key(id), 'status'), fields)
end

-- Notes when to look at a host's deliveries again: when the next one is due, or if it is being sent as many as may
-- be, when the first of these leases ends.
local function look_again(host, most)
  local next = redis.call('ZRANGE', PREFIX .. 'outbox:' .. host, 0, 0, 'WITHSCORES')
  if not next[1] then
    redis.call('ZREM', PREFIX .. 'outboxes', host)
    redis.call('SREM', PREFIX .. 'silent_hosts', host)
    return
  end
  local sending = PREFIX .. 'sending:' .. host
  local at = math.max(tonumber(next[2]), now_ms())
  if redis.call('ZCARD', sending) >= most then
    at = math.max(at, tonumber(redis.call('ZRANGE', sending, 0, 0, 'WITHSCORES')[2]))
  end
  redis.call('ZADD', PREFIX .. 'outboxes', at, host)
end

-- How many deliveries may be sent to a host at a time: one if it gave no answer to the last.
local function most_to(host, usual)
  return redis.call('SISMEMBER', PREFIX .. 'silent_hosts', host) == 1 and 1 or usual
end
