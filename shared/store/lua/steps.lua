-- Put in front of the scripts that change something, behind the tables `LEGAL` (transitions) and `FINAL`
-- (statuses), which are made from records.py: the steps that they have in common.

-- The request that a job came from, or its batch: Origin in origin.py; '' for records of a time before it.
local function origin_of(id)
  local own, batch = unpack(read(id, 'origin', 'batch_id'))
  return own or (batch and redis.call('HGET', batch_key(batch), 'origin')) or ''
end

-- What this step did of its own accord, for the log: id, action (recovery_log.py), origin, ...
local told = {}
local function tell(id, action, origin)
  for _, part in ipairs({ id, action, origin or origin_of(id) }) do
    told[#told + 1] = part
  end
end

-- The status of a job, if `token` is the one of its claim; nothing if another worker or nobody holds it.
local function status_for(id, token)
  local status, holder = unpack(read(id, 'status', 'token'))
  return holder == token and status or nil
end

-- Called after each change of a batch: when the last of its jobs has ended, its results are to be written; when
-- one of them is tried again after that, it runs again.
local function batch_changed(id)
  local key = batch_key(id)
  local status, queued, running, canceling =
    unpack(redis.call('HMGET', key, 'status', 'queued', 'running', 'canceling'))
  local unfinished = (queued or 0) + (running or 0) + (canceling or 0)
  if unfinished == 0 and status == 'running' then
    redis.call('HSET', key, 'status', 'finalizing')
    redis.call('ZADD', PREFIX .. 'finalizing', now_ms(), id)
  elseif unfinished > 0 and (status == 'finalizing' or status == 'completed' or status == 'canceled') then
    redis.call('HSET', key, 'status', 'running', 'queued_ms', now_ms())
    redis.call('HDEL', key, 'finished_ms', 'cancel_ms', 'cancel_cursor', 'output_key', 'errors_key', 'losses', 'error')
    redis.call('SREM', PREFIX .. 'canceling', id) -- what is left to cancel had ended
    redis.call('ZREM', PREFIX .. 'finalizing', id)
    redis.call('ZREM', PREFIX .. 'ended', id)
  end
  redis.call('PUBLISH', PREFIX .. 'changed:' .. id, redis.call('HINCRBY', key, 'seq', 1))
end

-- Ends a batch whose jobs have all ended; its results are written, or its client wants it to end without them.
local function conclude(id)
  local key = batch_key(id)
  local status = redis.call('HEXISTS', key, 'cancel_ms') == 1 and 'canceled' or 'completed'
  redis.call('HSET', key, 'status', status, 'finished_ms', now_ms())
  redis.call('HDEL', key, 'error')
  redis.call('ZREM', PREFIX .. 'finalizing', id)
  redis.call('ZADD', PREFIX .. 'ended', now_ms(), id)
  batch_changed(id)
  tell_of_batch(id)
end

-- Counts `number` jobs that went from one status to another; nil: they were not there before, or are not any more.
local function count(owner, lane, batch, from, to, number)
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
local function tally(what)
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
    tell_of_job(id)
  end
  if batch and FINAL[to] then
    redis.call('RPUSH', PREFIX .. 'done:' .. batch, id)
  end
  if FINAL[to] then
    tally('ended:' .. lane .. ':' .. to)
  end
  list_ended(id, from, to, owner, batch)
  count(owner, lane, batch, from, to, 1)
  return true
end

-- A job whose message is of no use waits in the store again, in its old place.
local function wait_again(id)
  local status, lane = unpack(read(id, 'status', 'lane'))
  if status == 'queued' and redis.call('ZREM', PREFIX .. 'dispatched:' .. lane, id) == 1 then
    tell(id, 'put-back')
    wait_in_lane(id)
  end
end

-- Sets a job aside until a worker is there that understands it.
local function park(id, lane, needs)
  redis.call('ZADD', PREFIX .. 'parked:' .. lane, needs, id)
  tell(id, 'parked')
end

-- A message of the lane has arrived that was sent at `sent`, if that is known: those sent before it were overtaken.
local function note_arrival(lane, sent)
  if sent then
    redis.call('ZADD', PREFIX .. 'taken', 'GT', sent, lane)
  end
end

-- An owner's Idempotency-Key counts for so many seconds.
local function remember_key(owner, name, seconds)
  local remembered, now = PREFIX .. 'idempotent:' .. owner, now_ms()
  redis.call('ZREMRANGEBYSCORE', remembered, '-inf', now)
  redis.call('ZADD', remembered, now + 1000 * seconds, name)
  redis.call('EXPIRE', remembered, seconds)
end

-- Its worker holds a job no more.
local function let_go(id)
  local process = read(id, 'process')[1]
  if process then
    redis.call('SREM', PREFIX .. 'held:' .. process, id)
  end
  redis.call('HDEL', job_key(id), 'token', 'process', 'shared', 'progress')
end

-- `value`: the error as JSON, if `field` is that.
local function finish(id, to, field, value)
  if not transition(id, to, { 'finished_ms', now_ms(), field, value }) then
    return false
  end
  if field == 'error' then
    tally('failed:' .. cjson.decode(value).code)
  end
  let_go(id)
  take_out(id)
  doom_preview(id)
  return true
end

local function give_back(id)
  if not transition(id, 'queued') then
    return false
  end
  let_go(id)
  redis.call('ZREM', PREFIX .. 'leases', id)
  return true
end

-- Whether a job whose worker fell silent had company there. Those with it hear of it, because they are judged when
-- it is gone.
local function had_company(id)
  local process, company = unpack(read(id, 'process', 'shared'))
  for _, other in ipairs(process and redis.call('SMEMBERS', PREFIX .. 'held:' .. process) or {}) do
    if other ~= id then
      redis.call('HSET', job_key(other), 'shared', 1)
      company = true
    end
  end
  return company
end

-- A held job whose worker fell silent: back to the queue, or to its end. It may be what silenced the worker, so from
-- now on it runs alone; if it did already, the attempt counts.
local function abandon(id)
  local status, attempt, max_attempts = unpack(read(id, 'status', 'attempt', 'max_attempts'))
  if status == 'canceling' then
    tell(id, 'canceled')
    return finish(id, 'canceled')
  end
  tally('taken:' .. read(id, 'lane')[1])
  local company = had_company(id)
  redis.call('HSET', job_key(id), 'suspect', 1)
  if company then
    redis.call('HINCRBY', job_key(id), 'attempt', -1)
  elseif tonumber(attempt) >= tonumber(max_attempts) then
    tell(id, 'worker-lost')
    return finish(id, 'failed', 'error', cjson.encode({
      code = 'worker-lost', stage = 'run', retryable = true, attempts = tonumber(attempt),
      detail = 'The worker stopped answering in each of ' .. attempt .. ' attempts, with no other job beside this one',
    }))
  end
  if give_back(id) then
    tell(id, 'abandoned')
    wait_in_lane(id)
  end
end

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
    tell(id, action)
    finish(id, action)
  end
  return action ~= nil
end

-- Makes a queued job the caller's, which has taken it out of where it waited. Returns its record.
local function start(id, claim)
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

-- Ends a waiting job at once, asks the worker of a running one to let go.
local function cancel(id)
  local status = read(id, 'status')[1]
  if status == 'queued' then
    finish(id, 'canceled')
  elseif status == 'running' then
    transition(id, 'canceling')
  end
end

-- Whether the place that the client chose for a job's picture is the job's own, now or again.
local function take_place(id)
  local request = read(id, 'request')[1]
  local place = string.find(request, '"key"', 1, true)
    and chosen_place(folder_of(job_key(id)), request_of(request))
  if place then
    local holder = holder_of(place)
    if holder and holder ~= id then
      return false
    end
    redis.call('HSET', PREFIX .. 'places', place, id)
  end
  return true
end

-- Queues a job that ended without a picture again, with all its attempts; false if its status does not allow it,
-- or its batch is being canceled, or it is being removed, or another job has its place.
local function try_again(id)
  local status, batch, retired = unpack(read(id, 'status', 'batch_id', 'retired'))
  if batch then
    local batch_status, canceled
    batch_status, canceled, retired = unpack(redis.call('HMGET', batch_key(batch), 'status', 'cancel_ms', 'retired'))
    if batch_status == 'running' and canceled then
      return false
    end
  end
  if retired or not FINAL[status] or not LEGAL[status].queued or not take_place(id) then
    return false
  end
  if not transition(id, 'queued', { 'attempt', 0, 'queued_ms', now_ms() }) then
    return false
  end
  redis.call('HDEL', job_key(id), 'error', 'started_ms', 'finished_ms', 'expires_ms')
  wait_in_lane(id)
  return true
end

-- Removes the record of a job that no worker holds; `asked`: its owner wants it to. Answers as `let_objects_go`.
local function remove(id, asked)
  local status, owner, lane, batch, stored = unpack(read(id, 'status', 'owner', 'lane', 'batch_id', 'stored'))
  local keys = let_objects_go(id, asked)
  leave_tags(owner, id)
  if stored then
    add_stored(owner, -stored)
  end
  take_out(id)
  redis.call('ZREM', PREFIX .. 'jobs:' .. owner, id)
  redis.call('ZREM', PREFIX .. 'dead:' .. owner, id)
  redis.call('ZREM', PREFIX .. 'ended', id)
  redis.call('DEL', job_key(id))
  remove_deliveries(id)
  redis.call('PUBLISH', PREFIX .. 'changed:' .. id, 0)
  count(owner, lane, batch, status, nil, 1)
  return keys
end

local function remove_worker(id)
  redis.call('ZREM', PREFIX .. 'workers', id)
  redis.call('HDEL', PREFIX .. 'worker:infos', id)
  redis.call('SREM', PREFIX .. 'workers:calls', id)
  redis.call('SREM', PREFIX .. 'workers:draining', id)
end

-- Up to `number` ids of jobs behind `cursor` (an id; '' begins) that are a batch's and of this owner, by line.
local function lines_of_batch(batch, owner, cursor, number)
  local prefix = 'job_' .. string.sub(batch, string.len('batch_') + 1)
  local first = cursor ~= '' and '(' .. cursor or '[' .. prefix
  return redis.call(
    'ZRANGEBYLEX', PREFIX .. 'jobs:' .. owner, first, '[' .. prefix .. '\255', 'LIMIT', 0, number
  )
end

-- Up to `number` ids of a batch's jobs behind `cursor`, by line. The last lines of a batch that is being adopted may still
-- be its old owner's.
local function jobs_of_batch(batch, cursor, number)
  local owner, before = unpack(redis.call('HMGET', batch_key(batch), 'owner', 'adopted_from'))
  local ids = lines_of_batch(batch, owner, cursor, number)
  if before and #ids < number and redis.call('SISMEMBER', PREFIX .. 'adopting', batch) == 1 then
    for _, id in ipairs(lines_of_batch(batch, before, ids[#ids] or cursor, number - #ids)) do
      ids[#ids + 1] = id
    end
  end
  return ids
end

local function give_delivery(id, from, to)
  redis.call('HSET', delivery_key(id), 'owner', to)
  redis.call('ZREM', PREFIX .. 'deliveries:' .. from, id)
  redis.call('ZADD', PREFIX .. 'deliveries:' .. to, 0, id)
  local settled = redis.call('ZSCORE', PREFIX .. 'settled:' .. from, id)
  if settled then
    redis.call('ZREM', PREFIX .. 'settled:' .. from, id)
    redis.call('ZADD', PREFIX .. 'settled:' .. to, settled, id)
  end
end

local function give_deliveries_of(subject, from, to)
  for _, id in ipairs(redis.call('ZRANGE', PREFIX .. 'deliveries_of:' .. subject, 0, -1)) do
    give_delivery(id, from, to)
  end
end

-- Gives a job to another owner. Its objects stay where they are; a worker must be of `level` to find them there.
local function give_job(id, from, to, level)
  local status, lane, batch, needs = unpack(read(id, 'status', 'lane', 'batch_id', 'needs'))
  redis.call('HSET', job_key(id), 'adopted_from', folder_of(job_key(id)))
  redis.call('HSET', job_key(id), 'owner', to, 'needs', math.max(level, needs or 0))
  redis.call('ZREM', PREFIX .. 'jobs:' .. from, id)
  redis.call('ZADD', PREFIX .. 'jobs:' .. to, 0, id)
  if redis.call('ZREM', PREFIX .. 'dead:' .. from, id) == 1 then
    redis.call('ZADD', PREFIX .. 'dead:' .. to, 0, id)
  end
  local stored, tags = unpack(read(id, 'stored', 'tags'))
  if leave_tags(from, id) then
    enter_tags(to, id, tags)
    count_indexed(to, 1)
  end
  if stored then
    add_stored(from, -stored)
    add_stored(to, stored)
  end
  redis.call('HINCRBY', PREFIX .. 'counts:' .. from, status, -1)
  redis.call('HINCRBY', PREFIX .. 'counts:' .. to, status, 1)
  if not batch and leave_line(lane, from, id) then
    wait_in_lane(id)
  end
  give_deliveries_of(id, from, to)
end

-- Ends a batch whose reading was interrupted; its jobs never ran and are removed.
local function interrupt(batch)
  tell(batch, 'interrupted', redis.call('HGET', batch_key(batch), 'origin') or '')
  redis.call('HSET', batch_key(batch), 'status', 'failed', 'finished_ms', now_ms(), 'error', cjson.encode({
    code = 'interrupted', detail = 'Reading the batch was interrupted; none of its jobs ran. Send it again',
  }))
  redis.call('ZREM', PREFIX .. 'validating', batch)
  redis.call('SADD', PREFIX .. 'discarding', batch)
  redis.call('ZADD', PREFIX .. 'ended', now_ms(), batch)
  batch_changed(batch)
  tell_of_batch(batch)
end
