-- How jobs enter and leave the lines in which they wait.
--- include keys, basics, lines, USUAL_COST

local function cost_of(id)
  return tonumber(read(id, 'cost')[1] or USUAL_COST)
end

local function forget_costs(lane, name)
  for _, cost in ipairs(redis.call('HKEYS', costs_key(lane, name))) do
    redis.call('DEL', dear_key(lane, name, cost), costs_key(lane, name))
  end
end

-- Returns the base of a line. An empty line gets the cost of its first job as its base.
local function base_of_line(lane, name, cost)
  if redis.call('EXISTS', line_key(lane, name)) == 0 then
    forget_costs(lane, name)
    if cost ~= USUAL_COST then
      redis.call('HSET', costs_key(lane, name), 'base', cost)
    end
    return cost
  end
  return tonumber(redis.call('HGET', costs_key(lane, name), 'base') or USUAL_COST)
end

local function enter_line(lane, name, id, score, cost, base)
  redis.call('ZADD', line_key(lane, name), score, id)
  if cost ~= base then
    redis.call('HSET', costs_key(lane, name), cost, 1)
    redis.call('ZADD', dear_key(lane, name, cost), score, id)
  end
end

-- Takes a job out of its line's `dear:` sets. Returns the job's cost. Workers of an older version do not clear these
-- sets. What they left sorts before the line's first job and is removed too.
local function leave_dear(dear, base, id, first, score)
  local cost = base
  for _, set in ipairs(dear) do
    cost = redis.call('ZREM', set.key, id) == 1 and set.cost or cost
    local left_behind = sorted_before(set.key, first, score)
    if left_behind > 0 then
      redis.call('ZREMRANGEBYRANK', set.key, 0, left_behind - 1)
    end
  end
  return cost
end

-- Takes a job out of a line. Returns its cost there; nothing if it was not in the line.
local function leave_line(lane, name, id)
  if redis.call('ZREM', line_key(lane, name), id) == 0 then
    return nil
  end
  local cost, dear = costs_of(lane, name)
  if cost == USUAL_COST and not dear[1] then
    return cost
  end
  local first, score = unpack(redis.call('ZRANGE', line_key(lane, name), 0, 0, 'WITHSCORES'))
  if first then
    return leave_dear(dear, cost, id, first, score)
  end
  for _, set in ipairs(dear) do
    cost = redis.call('ZSCORE', set.key, id) and set.cost or cost
  end
  forget_costs(lane, name)
  return cost
end

-- Enters an owner with a waiting job into the rotation, not before the job that started last (turns.lua).
local function enter_rotation(lane, owner)
  local now = redis.call('GET', turn_key(lane)) or 0
  redis.call('ZADD', turns_key(lane), 'GT', now, owner)
end

-- Lets workers take a batch's waiting jobs, unless the batch is being read or canceled, or is paused.
local function batch_waits(lane, owner, batch)
  local status, queued_ms, canceled, paused =
    unpack(redis.call('HMGET', batch_key(batch), 'status', 'queued_ms', 'cancel_ms', 'paused_ms'))
  if status == 'running' and not canceled and not paused then
    redis.call('ZADD', batch_line_key(lane, owner), queued_ms, batch)
    enter_rotation(lane, owner)
  end
end

-- Enters a queued job into its line: a single job by the time at which it was queued, one of a batch by line number.
local function wait_in_lane(id)
  local owner, lane, queued, batch = unpack(read(id, 'owner', 'lane', 'queued_ms', 'batch_id'))
  local name, cost = batch or owner, cost_of(id)
  enter_line(lane, name, id, batch and 0 or queued, cost, base_of_line(lane, name, cost))
  if batch then
    batch_waits(lane, owner, batch)
  else
    enter_rotation(lane, owner)
  end
end

-- Takes a job out of every list in which it could be waiting or held.
local function leave_queue(id)
  local owner, lane, batch = unpack(read(id, 'owner', 'lane', 'batch_id'))
  leave_line(lane, batch or owner, id)
  redis.call('ZREM', scheduled_key(lane), id)
  redis.call('ZREM', dispatched_key(lane), id)
  redis.call('ZREM', parked_key(lane), id)
  redis.call('ZREM', deadlines_key(), id)
  redis.call('ZREM', leases_key(), id)
end
