-- Which job of a lane is next.
--- include keys, waiting

-- Returns an owner's first job and its line: the single job or the batch that was queued first.
local function first_job_of(lane, owner)
  local batches = batch_line_key(lane, owner)
  while true do
    local single = redis.call('ZRANGE', line_key(lane, owner), 0, 0, 'WITHSCORES')
    local batch = redis.call('ZRANGE', batches, 0, 0, 'WITHSCORES')
    if not batch[1] or (single[1] and tonumber(single[2]) < tonumber(batch[2])) then
      return single[1], owner
    end
    local first = redis.call('ZRANGE', line_key(lane, batch[1]), 0, 0)[1]
    if first then
      return first, batch[1]
    end
    redis.call('ZREM', batches, batch[1])
  end
end

-- Returns the next job of a lane, its line and its owner; nothing if no job waits.
local function next_job(lane)
  local turns = turns_key(lane)
  while true do
    local owner = redis.call('ZRANGE', turns, 0, 0)[1]
    if not owner then
      return nil
    end
    local id, name = first_job_of(lane, owner)
    if id then
      return id, name, owner
    end
    redis.call('ZREM', turns, owner)
  end
end

-- Takes the next job out of its line and adds its cost to its owner's start tag.
--
-- This is start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996, section 2). A job's start tag is S = max(v,
-- F) and its finish tag is S + cost, where F is the finish tag of the owner's job before and v is the start tag of
-- the job that started last. The smallest S is next. `turns:` has S of each owner's first job, `turn:` has v. Theorem
-- 1 there: in any span of time, the costs of any two owners with waiting jobs differ by no more than one job of each.
local function leave_as_next(lane, id, name, owner)
  local turn, cost = turn_key(lane), leave_line(lane, name, id)
  local start = redis.call('ZINCRBY', turns_key(lane), cost, owner) - cost
  redis.call('SET', turn, string.format('%.0f', math.max(redis.call('GET', turn) or 0, start)))
end
