-- Changes of a job's status, with the lists and counters that depend on it. LEGAL and FINAL come from records.py.
--- include keys, basics, counters, accounts, caps, notices, batches, LEGAL, FINAL

local RECENT_SECONDS = 1200
local changed_batches -- by a script that gathers its counters

-- Lets the script write the counters of all its jobs together, by `write_counts` at its end.
local function gather_counts()
  gathered, changed_batches = {}, {}
end

local function write_counts()
  local batches = changed_batches
  changed_batches = nil
  write_gathered()
  for batch in pairs(batches) do
    batch_changed(batch)
  end
end

-- Does a step that changes many jobs, and writes what it has counted, also if it fails.
local function counting_together(step)
  gather_counts()
  local well, why = pcall(step)
  write_counts()
  if not well then
    error(why, 0)
  end
end

-- Counts `number` jobs that changed their status. `from` is nil for new jobs, `to` for removed ones.
local function count_jobs(owner, lane, batch, from, to, number)
  for status, by in pairs({ [from or ''] = -number, [to or ''] = number }) do
    if status ~= '' then
      add_to(counts_key(owner), status, by)
      add_to(load_key(), lane .. ':' .. status, by)
      if batch then
        add_to(batch_key(batch), status, by)
      end
    end
  end
  if batch and changed_batches then
    changed_batches[batch] = true
  elseif batch then
    batch_changed(batch)
  end
end

local freed = {} -- lanes in which owners may start jobs again

-- Lets an owner that rests come back when one of its jobs stops running.
local function free_place(owner, from, to)
  local stops = (from == 'running' or from == 'canceling') and to ~= 'running' and to ~= 'canceling'
  for _, lane in ipairs(stops and wake(owner) or {}) do
    freed[#freed + 1] = lane
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
  add_to(tallies_key(), what, 1)
  add_to(recent_key(math.floor(now_ms() / 10000)), what, 1, RECENT_SECONDS)
end

-- Changes a job's status and sets `changes` (field, value, ...). Returns false if that is not legal.
local function transition(id, to, changes)
  local from, owner, lane, batch, seq, key =
    unpack(read(id, 'status', 'owner', 'lane', 'batch_id', 'seq', 'key_id'))
  if not from or not LEGAL[from][to] then
    return false
  end
  seq = (seq or 0) + 1
  write(id, 'status', to, 'seq', seq, unpack(changes or {}))
  redis.call('PUBLISH', changed_channel(id), seq)
  if FINAL[to] then
    enqueue_job_delivery(id)
  end
  if batch and FINAL[to] then
    redis.call('RPUSH', done_key(batch), id)
  end
  if FINAL[to] then
    count_event('ended:' .. lane .. ':' .. to)
    account(owner, key_of_submission(key, batch), to, 1)
  end
  list_ended(id, from, to, owner, batch)
  count_jobs(owner, lane, batch, from, to, 1)
  free_place(owner, from, to)
  return true
end
