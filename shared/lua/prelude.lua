-- Put in front of every script by job_store.py, after the tables `LEGAL` (transitions) and `FINAL` (statuses).
-- Each script is one atomic step: record, indexes and counters change together or not at all.
--
--   job:<id>                  hash    the record
--   jobs:<owner>              zset    ids of an owner, all at score 0; ids sort by time of creation
--   counts:<owner>            hash    jobs by status
--   waiting:<lane>:<owner>    zset    ids that wait in the store, by the time they were queued
--   turns:<lane>              zset    owners with waiting jobs, by their last turn
--   scheduled:<lane>          zset    ids that wait for a retry, by its time
--   dispatched:<lane>         zset    ids whose message is in the broker, by the time it was sent
--   leases                    zset    ids that a worker holds, by the end of the lease
--   deadlines                 zset    ids with a start_within, by its end
--
-- Times are milliseconds since the epoch by Redis' own clock. Keys are computed here, so Redis Cluster
-- is out; Celery does not run on it either.

local PREFIX = KEYS[1]

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function job_key(id)
  return PREFIX .. 'job:' .. id
end

local function read(id, ...)
  return redis.call('HMGET', job_key(id), ...)
end

-- The status of a job, if `token` is the one of its claim; nothing if another worker or nobody holds it.
local function status_for(id, token)
  local status, holder = unpack(read(id, 'status', 'token'))
  return holder == token and status or nil
end

-- Moves a job to another status and sets `changes` (field, value, ...); false if the step is not legal.
local function transition(id, to, changes)
  local from, owner = unpack(read(id, 'status', 'owner'))
  if not from or not LEGAL[from][to] then
    return false
  end
  redis.call('HSET', job_key(id), 'status', to, unpack(changes or {}))
  local seq = redis.call('HINCRBY', job_key(id), 'seq', 1)
  redis.call('HINCRBY', PREFIX .. 'counts:' .. owner, from, -1)
  redis.call('HINCRBY', PREFIX .. 'counts:' .. owner, to, 1)
  redis.call('PUBLISH', PREFIX .. 'changed:' .. id, seq)
  return true
end

-- Puts a queued job where the dispatcher finds it; an owner who comes anew takes a turn at the end.
local function wait_in_lane(id)
  local owner, lane, queued = unpack(read(id, 'owner', 'lane', 'queued_ms'))
  redis.call('ZADD', PREFIX .. 'waiting:' .. lane .. ':' .. owner, queued, id)
  local turn = redis.call('GET', PREFIX .. 'turn:' .. lane) or 0
  redis.call('ZADD', PREFIX .. 'turns:' .. lane, 'NX', turn, owner)
end

-- Takes a job out of every place where it could be waiting or held.
local function take_out(id)
  local owner, lane = unpack(read(id, 'owner', 'lane'))
  redis.call('ZREM', PREFIX .. 'waiting:' .. lane .. ':' .. owner, id)
  redis.call('ZREM', PREFIX .. 'scheduled:' .. lane, id)
  redis.call('ZREM', PREFIX .. 'dispatched:' .. lane, id)
  redis.call('ZREM', PREFIX .. 'deadlines', id)
  redis.call('ZREM', PREFIX .. 'leases', id)
end

local function finish(id, to, ...)
  if not transition(id, to, { 'finished_ms', now_ms(), ... }) then
    return false
  end
  redis.call('HDEL', job_key(id), 'token')
  take_out(id)
  return true
end

local function give_back(id)
  if not transition(id, 'queued') then
    return false
  end
  redis.call('HDEL', job_key(id), 'token')
  redis.call('ZREM', PREFIX .. 'leases', id)
  return true
end

-- A held job whose worker fell silent: back to the queue, or to its end.
local function abandon(id)
  local status, attempt, max_attempts = unpack(read(id, 'status', 'attempt', 'max_attempts'))
  if status == 'canceling' then
    return finish(id, 'canceled')
  end
  if tonumber(attempt) >= tonumber(max_attempts) then
    return finish(id, 'failed', 'error', cjson.encode({
      code = 'worker-lost', stage = 'run', retryable = true, attempts = tonumber(attempt),
      detail = 'The worker stopped answering in each of ' .. attempt .. ' attempts',
    }))
  end
  if give_back(id) then
    wait_in_lane(id)
  end
end
