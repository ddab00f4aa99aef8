-- Recovery actions: what a script does by itself, for the log (recovery_log.py).
--- include keys, basics

-- Returns the request that created a job or its batch (request_context.py); '' if an older version created it.
local function origin_of(id)
  local own, batch = unpack(read(id, 'origin', 'batch_id'))
  return own or (batch and redis.call('HGET', batch_key(batch), 'origin')) or ''
end

-- id, action, origin, ...: the caller logs them.
local recovery_log = {}

local function log_recovery_action(id, action, origin)
  for _, part in ipairs({ id, action, origin or origin_of(id) }) do
    recovery_log[#recovery_log + 1] = part
  end
end
