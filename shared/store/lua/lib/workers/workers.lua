-- The list of worker processes.
--- include keys

local function forget_worker(id)
  redis.call('ZREM', workers_key(), id)
  redis.call('HDEL', worker_infos_key(), id)
  redis.call('SREM', workers_calls_key(), id)
  redis.call('SREM', workers_bundles_key(), id)
  redis.call('SREM', workers_draining_key(), id)
end
