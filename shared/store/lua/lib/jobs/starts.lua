-- How a claimed job starts.
--- include keys, basics, recovery_log, transitions, endings

local batch_facts = {} -- of the batches that this script has read

-- Returns when a batch was canceled, and the request that created it; nothing for a job without a batch.
local function facts_of(batch)
  if batch and not batch_facts[batch] then
    batch_facts[batch] = redis.call('HMGET', batch_key(batch), 'cancel_ms', 'origin')
  end
  return unpack(batch_facts[batch] or {})
end

-- Returns the record of a claimed job, with the origin of its batch if it has none of its own.
local function record_of(id)
  local fields, record = {}, kept[id] or keep(id)
  local _, origin = facts_of(record.batch_id)
  for field, value in pairs(record) do
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
  fields[#fields + 1] = 'origin'
  fields[#fields + 1] = record.origin or origin or ''
  return fields
end

-- Ends a queued job that is overdue, or whose batch is being canceled. Returns whether it did.
local function end_if_void(id)
  local expires, started, batch = unpack(read(id, 'expires_ms', 'started_ms', 'batch_id'))
  local action = nil
  if expires and tonumber(expires) <= now_ms() and not started then
    action = 'expired'
  elseif batch and facts_of(batch) then
    action = 'canceled'
  end
  if action then
    log_recovery_action(id, action)
    end_job(id, action)
  end
  return action ~= nil
end

-- Gives a queued job to the caller, who has taken it out of its line. Returns the record.
local function start_job(id, claim)
  local attempt, expires = unpack(read(id, 'attempt', 'expires_ms'))
  if expires then
    redis.call('ZREM', deadlines_key(), id)
  end
  local changes = { 'token', claim.token, 'started_ms', now_ms(), 'attempt', attempt + 1 }
  if claim.process ~= '' then
    changes[#changes + 1] = 'process'
    changes[#changes + 1] = claim.process
    redis.call('SADD', held_key(claim.process), id)
  end
  transition(id, 'running', changes)
  redis.call('ZADD', leases_key(), now_ms() + tonumber(claim.lease_ms), id)
  return record_of(id)
end
