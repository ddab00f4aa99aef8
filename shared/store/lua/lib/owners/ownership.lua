-- Records that change their owner.
--- include keys, basics, stored, waiting, caps, tags

local function give_delivery(id, from, to)
  redis.call('HSET', delivery_key(id), 'owner', to)
  redis.call('ZREM', deliveries_key(from), id)
  redis.call('ZADD', deliveries_key(to), 0, id)
  local settled = redis.call('ZSCORE', settled_key(from), id)
  if settled then
    redis.call('ZREM', settled_key(from), id)
    redis.call('ZADD', settled_key(to), settled, id)
  end
end

local function give_deliveries_of(subject, from, to)
  for _, id in ipairs(redis.call('ZRANGE', deliveries_of_key(subject), 0, -1)) do
    give_delivery(id, from, to)
  end
end

local function give_record_bytes(bytes, from, to)
  if bytes then
    add_record_bytes(from, -bytes)
    add_record_bytes(to, bytes)
  end
end

-- Gives a job to another owner. Its objects stay where they are; `level` is the record version that knows so.
local function give_job(id, from, to, level)
  local status, lane, batch, needs = unpack(read(id, 'status', 'lane', 'batch_id', 'needs'))
  redis.call('HSET', job_key(id), 'adopted_from', folder_of(job_key(id)))
  redis.call('HSET', job_key(id), 'owner', to, 'needs', math.max(level, needs or 0))
  redis.call('ZREM', jobs_key(from), id)
  redis.call('ZADD', jobs_key(to), 0, id)
  if redis.call('ZREM', dead_key(from), id) == 1 then
    redis.call('ZADD', dead_key(to), 0, id)
  end
  local stored, bytes, tags = unpack(read(id, 'stored', 'bytes', 'tags'))
  if leave_tags(from, id) then
    enter_tags(to, id, tags)
    count_indexed(to, 1)
  end
  if stored then
    add_stored(from, -stored)
    add_stored(to, stored)
  end
  give_record_bytes(bytes, from, to)
  redis.call('HINCRBY', counts_key(from), status, -1)
  redis.call('HINCRBY', counts_key(to), status, 1)
  wake(from) -- the job may be the only one that ran
  if not batch and leave_line(lane, from, id) then
    wait_in_lane(id)
  end
  give_deliveries_of(id, from, to)
end
