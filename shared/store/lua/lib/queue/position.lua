-- The position of a waiting job in its lane, by the order in which turns.lua takes jobs.
--
-- However much waits, a position costs about MOST_READS reads of Redis at most. Beyond that it is an estimate:
-- batches that were not read count like the mean of those that were, and owners as one job each.
--- include keys, lines, depth, USUAL_COST

local MOST_READS = 400
local reads_left = MOST_READS

-- Returns a line as it is now: {key, size, base, dear}.
local function line_of(lane, name)
  local line = { key = line_key(lane, name), base = USUAL_COST, dear = {} }
  line.size = redis.call('ZCARD', line.key)
  if line.size > 0 then
    line.base, line.dear = costs_of(lane, name)
  end
  reads_left = reads_left - 2 - 2 * #line.dear
  return line
end

-- Returns the cost of the first jobs of a line.
local function cost_of_first(line, number)
  local total = line.base * number
  if number == 0 or not line.dear[1] then
    return total
  end
  local id, score = unpack(redis.call('ZRANGE', line.key, number, number, 'WITHSCORES'))
  for _, dear in ipairs(line.dear) do
    local among = id and sorted_before(dear.key, id, score) or redis.call('ZCARD', dear.key)
    total = total + (dear.cost - line.base) * among
  end
  return total
end

-- Of the jobs at ranks first..last-1 of a line, counts those that start before their costs add up to `cost`. A job
-- starts if the jobs before it cost less than `cost`.
local function starting_within(line, first, last, cost)
  if not line.dear[1] then
    return math.max(0, math.min(last - first, math.ceil(cost / line.base)))
  end
  local before, low, high = cost_of_first(line, first), 0, last - first
  while low < high do
    local middle = math.floor((low + high) / 2)
    if cost_of_first(line, first + middle) - before >= cost then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end

-- Counts the jobs of an owner's first batches. Returns their number and cost. Leaves half of the reads for other
-- owners.
local function in_first_batches(lane, owner, number)
  local size, cost, looked, reserve = 0, 0, 0, reads_left / 2
  local last = math.min(number, MOST_READS) - 1
  for _, batch in ipairs(number > 0 and redis.call('ZRANGE', batch_line_key(lane, owner), 0, last) or {}) do
    if looked > 0 and reads_left <= reserve then
      break
    end
    local line = line_of(lane, batch)
    size, cost, looked = size + line.size, cost + cost_of_first(line, line.size), looked + 1
  end
  local times = looked > 0 and number / looked or 0
  return math.floor(size * times), math.floor(cost * times)
end

-- Counts the jobs of an owner that start before one that waits. Returns their number and cost; nothing if the job waits
-- for its next attempt, or if its batch is being read or canceled. `queued` is the time at which a single job was
-- queued.
local function own_before(id, lane, owner, batch, queued)
  local line, batches = line_of(lane, batch or owner), batch_line_key(lane, owner)
  local number = redis.call('ZRANK', line.key, id)
  if not number then
    return nil
  end
  local cost = cost_of_first(line, number)
  local ahead
  if batch then
    queued, ahead = redis.call('ZSCORE', batches, batch), redis.call('ZRANK', batches, batch)
    if not queued then
      return nil
    end
    local singles = line_of(lane, owner)
    local earlier = redis.call('ZCOUNT', singles.key, '-inf', '(' .. queued)
    number, cost = number + earlier, cost + cost_of_first(singles, earlier)
  else
    ahead = redis.call('ZCOUNT', batches, '-inf', queued)
  end
  local size, spent = in_first_batches(lane, owner, ahead)
  return number + size, cost + spent
end

-- Counts the next jobs of an owner that start before their costs add up to `cost`. Keeps `reserve` reads for other
-- owners.
local function starting_before(lane, owner, cost, reserve)
  local singles, key = line_of(lane, owner), batch_line_key(lane, owner)
  local waiting, batches = redis.call('ZCARD', key), redis.call('ZRANGE', key, 0, MOST_READS - 1, 'WITHSCORES')
  local number, from, left = 0, 0, cost

  local function pass(line, first, last)
    local spent = cost_of_first(line, last) - cost_of_first(line, first)
    if spent < left then
      number, left = number + last - first, left - spent
      return true
    end
    reads_left = reads_left - 20 * #line.dear
    number, left = number + starting_within(line, first, last, left), 0
    return false
  end

  reads_left = reads_left - 2
  for i = 1, #batches, 2 do
    local looked = (i - 1) / 2
    if looked > 0 and reads_left <= reserve then
      local more = math.min(number * left / math.max(1, cost - left), number * (waiting - looked) / looked)
      return number + math.floor(more)
    end
    local batch = line_of(lane, batches[i])
    local upto = singles.size > from and redis.call('ZCOUNT', singles.key, '-inf', '(' .. batches[i + 1]) or from
    if not (pass(singles, from, upto) and pass(batch, 0, batch.size)) then
      return number
    end
    from = upto
  end
  pass(singles, from, singles.size)
  return number
end

-- Counts the jobs of other owners that start before an owner's job; `cost` is that of the owner's jobs before it.
local function others_before(lane, owner, cost)
  local turns = turns_key(lane)
  if redis.call('ZSCORE', capped_key(lane), owner) and not redis.call('ZSCORE', turns, owner) then
    return 0 -- the owner's jobs wait for each other (caps.lua)
  end
  local start = (redis.call('ZSCORE', turns, owner) or 0) + cost
  local last = string.format('%.0f', start)
  local owners = redis.call('ZRANGEBYSCORE', turns, '-inf', last, 'WITHSCORES', 'LIMIT', 0, MOST_READS)
  local number = #owners / 2 < MOST_READS and 0 or redis.call('ZCOUNT', turns, '-inf', last) - MOST_READS
  for i = 1, #owners, 2 do
    local other = owners[i]
    local ahead = start - owners[i + 1] + (sorts_before(other, owner) and 1 or 0) -- costs are whole numbers
    if other ~= owner and ahead > 0 then
      local share = 2 * reads_left / (#owners + 1 - i)
      number = number + (reads_left > 0 and starting_before(lane, other, ahead, reads_left - share) or 1)
    end
  end
  return number
end

-- The n-th call starts the n-th job that no message names. Counts the named jobs that start before that one.
local function named_before(lane, n)
  local call = redis.call('ZRANGE', calls_key(lane), n - 1, n - 1, 'WITHSCORES')[2]
  return redis.call('ZCOUNT', dispatched_key(lane), '-inf', call and '(' .. call or '+inf')
end

-- Returns the position of a queued job in its lane, from 1, if no further job comes; nothing if it waits for a retry
-- or workers may not take its batch.
local function position(id, lane, owner, batch, queued)
  local dispatched = dispatched_key(lane)
  local sent = redis.call('ZSCORE', dispatched, id)
  if sent then
    local calls = redis.call('ZCOUNT', calls_key(lane), '-inf', '(' .. sent)
    return redis.call('ZRANK', dispatched, id) + waiting_in(lane, calls) + 1
  end
  local own, cost = own_before(id, lane, owner, batch, queued)
  if not own then
    return nil
  end
  local rank = own + others_before(lane, owner, cost) + 1
  return rank + named_before(lane, rank)
end
