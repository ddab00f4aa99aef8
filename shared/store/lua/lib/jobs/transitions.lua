--- include keys, basics, notices, batches, LEGAL, FINAL

-- Counts `number` jobs that went from one status to another; nil: they were not there before, or are not any more.
local function count_jobs(owner, lane, batch, from, to, number)
  for status, by in pairs({ [from or ''] = -number, [to or ''] = number }) do
    if status ~= '' then
      redis.call('HINCRBY', PREFIX .. 'counts:' .. owner, status, by)
      redis.call('HINCRBY', PREFIX .. 'load', lane .. ':' .. status, by)
      if batch then
        redis.call('HINCRBY', batch_key(batch), status, by)
      end
    end
  end
  if batch then
    batch_changed(batch)
  end
end

-- Keeps the lists of what failed, and of what ended; jobs of a batch end with it.
local function list_ended(id, from, to, owner, batch)
  if to == 'failed' then
    redis.call('ZADD', PREFIX .. 'dead:' .. owner, 0, id)
  elseif from == 'failed' then
    redis.call('ZREM', PREFIX .. 'dead:' .. owner, id)
  end
  if not batch and FINAL[to] then
    redis.call('ZADD', PREFIX .. 'ended', now_ms(), id)
  elseif not batch and FINAL[from] then
    redis.call('ZREM', PREFIX .. 'ended', id)
  end
end

-- Counts what only ever grows, for the metrics; and once more with what happened in the same ten seconds.
local function count_event(what)
  redis.call('HINCRBY', PREFIX .. 'tallies', what, 1)
  local recent = PREFIX .. 'recent:' .. math.floor(now_ms() / 10000)
  redis.call('HINCRBY', recent, what, 1)
  redis.call('EXPIRE', recent, 1200)
end

-- Moves a job to another status and sets `changes` (field, value, ...); false if the step is not legal.
local function transition(id, to, changes)
  local from, owner, lane, batch = unpack(read(id, 'status', 'owner', 'lane', 'batch_id'))
  if not from or not LEGAL[from][to] then
    return false
  end
  redis.call('HSET', job_key(id), 'status', to, unpack(changes or {}))
  redis.call('PUBLISH', PREFIX .. 'changed:' .. id, redis.call('HINCRBY', job_key(id), 'seq', 1))
  if FINAL[to] then
    enqueue_job_delivery(id)
  end
  if batch and FINAL[to] then
    redis.call('RPUSH', PREFIX .. 'done:' .. batch, id)
  end
  if FINAL[to] then
    count_event('ended:' .. lane .. ':' .. to)
  end
  list_ended(id, from, to, owner, batch)
  count_jobs(owner, lane, batch, from, to, 1)
  return true
end
