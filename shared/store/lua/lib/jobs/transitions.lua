-- Changes of a job's status, with the lists and counters that depend on it. LEGAL and FINAL come from records.py.
--- include keys, basics, notices, batches, LEGAL, FINAL

-- Counts `number` jobs that changed their status. `from` is nil for new jobs, `to` for removed ones.
local function count_jobs(owner, lane, batch, from, to, number)
  for status, by in pairs({ [from or ''] = -number, [to or ''] = number }) do
    if status ~= '' then
      redis.call('HINCRBY', counts_key(owner), status, by)
      redis.call('HINCRBY', load_key(), lane .. ':' .. status, by)
      if batch then
        redis.call('HINCRBY', batch_key(batch), status, by)
      end
    end
  end
  if batch then
    batch_changed(batch)
  end
end

-- Keeps the list of dead letters, and the list of what ended. Jobs of a batch are not in the latter: the batch is.
local function list_ended(id, from, to, owner, batch)
  if to == 'failed' then
    redis.call('ZADD', dead_key(owner), 0, id)
  elseif from == 'failed' then
    redis.call('ZREM', dead_key(owner), id)
  end
  if not batch and FINAL[to] then
    redis.call('ZADD', ended_key(), now_ms(), id)
  elseif not batch and FINAL[from] then
    redis.call('ZREM', ended_key(), id)
  end
end

-- Counts an event for the metrics: among all, and among those of the same ten seconds.
local function count_event(what)
  redis.call('HINCRBY', tallies_key(), what, 1)
  local recent = recent_key(math.floor(now_ms() / 10000))
  redis.call('HINCRBY', recent, what, 1)
  redis.call('EXPIRE', recent, 1200)
end

-- Changes a job's status and sets `changes` (field, value, ...). Returns false if that is not legal.
local function transition(id, to, changes)
  local from, owner, lane, batch = unpack(read(id, 'status', 'owner', 'lane', 'batch_id'))
  if not from or not LEGAL[from][to] then
    return false
  end
  redis.call('HSET', job_key(id), 'status', to, unpack(changes or {}))
  redis.call('PUBLISH', changed_channel(id), redis.call('HINCRBY', job_key(id), 'seq', 1))
  if FINAL[to] then
    enqueue_job_delivery(id)
  end
  if batch and FINAL[to] then
    redis.call('RPUSH', done_key(batch), id)
  end
  if FINAL[to] then
    count_event('ended:' .. lane .. ':' .. to)
  end
  list_ended(id, from, to, owner, batch)
  count_jobs(owner, lane, batch, from, to, 1)
  return true
end
