--- include keys, basics, recovery_log, transitions, endings

-- The record of a claimed job, with the origin that jobs of a batch have in common.
local function record_of(id)
  local fields = redis.call('HGETALL', job_key(id))
  fields[#fields + 1] = 'origin'
  fields[#fields + 1] = origin_of(id)
  return fields
end

-- Ends a queued job that may not start any more: it is overdue, or its batch is being canceled. Returns whether it did.
local function end_if_void(id)
  local expires, started, batch = unpack(read(id, 'expires_ms', 'started_ms', 'batch_id'))
  local action = nil
  if expires and tonumber(expires) <= now_ms() and not started then
    action = 'expired'
  elseif batch and redis.call('HGET', batch_key(batch), 'cancel_ms') then
    action = 'canceled'
  end
  if action then
    log_recovery_action(id, action)
    end_job(id, action)
  end
  return action ~= nil
end

-- Makes a queued job the caller's, which has taken it out of where it waited. Returns its record.
local function start_job(id, claim)
  redis.call('ZREM', PREFIX .. 'deadlines', id)
  redis.call('HINCRBY', job_key(id), 'attempt', 1)
  transition(id, 'running', { 'token', claim.token, 'started_ms', now_ms() })
  if claim.process ~= '' then
    redis.call('HSET', job_key(id), 'process', claim.process)
    redis.call('SADD', PREFIX .. 'held:' .. claim.process, id)
  end
  redis.call('ZADD', PREFIX .. 'leases', now_ms() + tonumber(claim.lease_ms), id)
  return record_of(id)
end
