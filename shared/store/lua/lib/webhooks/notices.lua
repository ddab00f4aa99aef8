-- Deliveries that tell of the end of a job or batch.
--- include keys, basics, deliveries

-- Creates a delivery about a record if its webhook asks for this event. The delivery's id sorts by time
-- and differs for each end of the same job.
local function enqueue_delivery_of(subject, key, type, fields)
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

local function enqueue_job_delivery(id)
  local status, webhook = unpack(read(id, 'status', 'webhook'))
  if webhook then
    enqueue_delivery_of(id, job_key(id), 'job.' .. status, { 'attempt', 'error' })
  end
end

local function enqueue_batch_delivery(id)
  local fields = { 'succeeded', 'failed', 'canceled', 'expired', 'error' }
  enqueue_delivery_of(id, batch_key(id), 'batch.' .. redis.call('HGET', batch_key(id), 'status'), fields)
end
