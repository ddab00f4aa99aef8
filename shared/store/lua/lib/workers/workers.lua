--- include keys

local function forget_worker(id)
  redis.call('ZREM', PREFIX .. 'workers', id)
  redis.call('HDEL', PREFIX .. 'worker:infos', id)
  redis.call('SREM', PREFIX .. 'workers:calls', id)
  redis.call('SREM', PREFIX .. 'workers:draining', id)
end
