-- Moves the next waiting jobs of a batch to the lane that move_batch.lua noted.
-- ARGV: batch, number.
-- Returns 1 if there may be more, else 0.
-- A moved job keeps its place among the batch's jobs, and the batch its place among its owner's. Jobs that a worker
-- holds, and those that have ended, keep their lane.
--- include keys, basics, counters, waiting, batches, batch_lines, transitions
local batch, number = ARGV[1], tonumber(ARGV[2])
local key = batch_key(batch)
if redis.call('SISMEMBER', moving_key(), batch) == 0 then
  return 0
end
local status, owner, canceled, to, cursor =
  unpack(redis.call('HMGET', key, 'status', 'owner', 'cancel_ms', 'lane_to', 'lane_cursor'))

local function over()
  redis.call('SREM', moving_key(), batch)
  if to then
    redis.call('HDEL', key, 'lane_to', 'lane_cursor')
    batch_changed(batch)
  end
  return 0
end

if status ~= 'running' or canceled then
  return over()
end

local function move_in(name, id, from)
  local score = redis.call('ZSCORE', name(from), id)
  if score then
    redis.call('ZREM', name(from), id)
    redis.call('ZADD', name(to), score, id)
  end
  return score
end

local base
local function enter(id, cost)
  base = base or base_of_line(to, batch, cost)
  enter_line(to, batch, id, 0, cost, base)
end

-- Moves a job that waits in its line, for a retry, for a worker that understands it, or that a message names.
local function move(id, from, seq)
  local cost = leave_line(from, batch, id)
  if cost then
    enter(id, cost)
  elseif not (move_in(scheduled_key, id, from) or move_in(parked_key, id, from)) then
    redis.call('ZREM', dispatched_key(from), id)
    enter(id, cost_of(id))
  end
  write(id, 'lane', to, 'seq', seq + 1)
  redis.call('PUBLISH', changed_channel(id), seq + 1)
  add_to(load_key(), from .. ':queued', -1)
  add_to(load_key(), to .. ':queued', 1)
end

local ids = jobs_of_batch(batch, cursor or '', number)
counting_together(function()
  for _, id in ipairs(ids) do
    local job_status, from, seq = unpack(read(id, 'status', 'lane', 'seq'))
    if job_status == 'queued' and from ~= to and from ~= 'optimize' then
      move(id, from, seq)
    end
  end
end)
if base then
  batch_waits(to, owner, batch)
end
if #ids < number then
  return over()
end
redis.call('HSET', key, 'lane_cursor', ids[#ids])
return 1
