-- Put in front of the scripts that only look: where a job stands. The order is that of `charge` in waiting.lua.
--- include keys, lines, depth, USUAL_COST

-- A line as it is now: {key, size, base, dear}.
local function line_of(lane, name)
  local line = { key = line_key(lane, name), base = USUAL_COST, dear = {} }
  line.size = redis.call('ZCARD', line.key)
  if line.size > 0 then
    line.base, line.dear = costs_of(lane, name)
  end
  return line
end

-- What the first jobs of a line cost together.
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

-- How many jobs of a line, from rank `first` up to before `last`, start before the line has cost so much more: the
-- first does if that is more than 0, each further one if those before it cost less.
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

local function batches_of(lane, owner, last)
  return redis.call('ZRANGEBYSCORE', PREFIX .. 'batchline:' .. lane .. ':' .. owner, '-inf', last, 'WITHSCORES')
end

-- How many jobs of an owner start before a waiting one, and what they cost; nothing if it waits for a retry or its
-- batch is not offered. `queued` is when a single job was queued.
local function own_before(id, lane, owner, batch, queued)
  local line = line_of(lane, batch or owner)
  local number = redis.call('ZRANK', line.key, id)
  if not number then
    return nil
  end
  local cost = cost_of_first(line, number)
  if batch then
    queued = redis.call('ZSCORE', PREFIX .. 'batchline:' .. lane .. ':' .. owner, batch)
    if not queued then
      return nil
    end
    local singles = line_of(lane, owner)
    local earlier = redis.call('ZCOUNT', singles.key, '-inf', '(' .. queued)
    number, cost = number + earlier, cost + cost_of_first(singles, earlier)
  end
  local batches = batches_of(lane, owner, queued)
  for i = 1, #batches, 2 do
    if batches[i] == batch then
      break
    end
    local other = line_of(lane, batches[i])
    number, cost = number + other.size, cost + cost_of_first(other, other.size)
  end
  return number, cost
end

-- How many jobs of an owner start before so much more has been spent on that owner.
local function starting_before(lane, owner, cost)
  local singles, batches = line_of(lane, owner), batches_of(lane, owner, '+inf')
  local number, from = 0, 0

  local function pass(line, first, last)
    local spent = cost_of_first(line, last) - cost_of_first(line, first)
    if spent < cost then
      number, cost = number + last - first, cost - spent
      return true
    end
    number, cost = number + starting_within(line, first, last, cost), 0
    return false
  end

  for i = 1, #batches, 2 do
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

-- How many jobs of other owners start before an owner's job in front of which the owner's own cost so much.
local function others_before(lane, owner, cost)
  local turns, number = PREFIX .. 'turns:' .. lane, 0
  local start = (redis.call('ZSCORE', turns, owner) or 0) + cost
  local owners = redis.call('ZRANGEBYSCORE', turns, '-inf', string.format('%.0f', start), 'WITHSCORES')
  for i = 1, #owners, 2 do
    local other = owners[i]
    if other ~= owner then
      local ahead = start - owners[i + 1] + (sorts_before(other, owner) and 1 or 0) -- costs are whole numbers
      number = number + (ahead > 0 and starting_before(lane, other, ahead) or 0)
    end
  end
  return number
end

-- How many jobs that messages name start before the lane's n-th other job, which the n-th call starts.
local function named_before(lane, n)
  local call = redis.call('ZRANGE', PREFIX .. 'calls:' .. lane, n - 1, n - 1, 'WITHSCORES')[2]
  return redis.call('ZCOUNT', PREFIX .. 'dispatched:' .. lane, '-inf', call and '(' .. call or '+inf')
end

-- The place of a queued job among those of its lane, from 1, if no other comes; nothing if it waits for a retry
-- or its batch is not offered.
local function position(id, lane, owner, batch, queued)
  local dispatched = PREFIX .. 'dispatched:' .. lane
  local sent = redis.call('ZSCORE', dispatched, id)
  if sent then
    local calls = redis.call('ZCOUNT', PREFIX .. 'calls:' .. lane, '-inf', '(' .. sent)
    return redis.call('ZRANK', dispatched, id) + waiting_in(lane, calls) + 1
  end
  local own, cost = own_before(id, lane, owner, batch, queued)
  if not own then
    return nil
  end
  local place = own + others_before(lane, owner, cost) + 1
  return place + named_before(lane, place)
end
