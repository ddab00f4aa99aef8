--- include keys, lines, waiting

-- The first job of an owner and its line: of the single jobs and the batches, what was queued first.
local function first_job_of(lane, owner)
  local batches = PREFIX .. 'batchline:' .. lane .. ':' .. owner
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

-- The next job of a lane, its line and its owner; nothing if none waits.
local function next_job(lane)
  local turns = PREFIX .. 'turns:' .. lane
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

-- Takes the next job out of its line, and its cost from its owner's turn.
--
-- This is start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996, section 2). A job's start tag is S = max(v, F),
-- its finish tag F = S + cost; F is that of the owner's job before, v the start tag of the job that started last, and
-- the smallest S is next. `turns:` has S of each owner's first job, `turn:` has v. By theorem 1 there, what any two
-- owners with waiting jobs have cost in any span of time differs by no more than one job of each.
local function leave_as_next(lane, id, name, owner)
  local turn, cost = PREFIX .. 'turn:' .. lane, leave_line(lane, name, id)
  local start = redis.call('ZINCRBY', PREFIX .. 'turns:' .. lane, cost, owner) - cost
  redis.call('SET', turn, string.format('%.0f', math.max(redis.call('GET', turn) or 0, start)))
end
