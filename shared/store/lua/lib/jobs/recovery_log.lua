--- include keys, basics

-- The request that a job came from, or its batch: Origin in origin.py; '' for records of a time before it.
local function origin_of(id)
  local own, batch = unpack(read(id, 'origin', 'batch_id'))
  return own or (batch and redis.call('HGET', batch_key(batch), 'origin')) or ''
end

-- What this step did of its own accord, for the log: id, action (recovery_log.py), origin, ...
local recovery_log = {}

local function log_recovery_action(id, action, origin)
  for _, part in ipairs({ id, action, origin or origin_of(id) }) do
    recovery_log[#recovery_log + 1] = part
  end
end
