-- Put in front of all scripts: lines of waiting jobs, and what their jobs cost. `USUAL_COST` comes from cost.py.
--
-- A line has its jobs in the order in which they start. Each costs the line's base (`costs:`), unless it is also in one
-- of the line's `dear:` sets, of which there is one for each other cost. So the cost of any part of a line is counted
-- without reading its jobs, and a line of equal jobs needs no further set.

local MOST_OWNERS = 1000 -- whose jobs are counted where that is done in passing

local function line_key(lane, name)
  return PREFIX .. 'line:' .. lane .. ':' .. name
end

local function costs_key(lane, name)
  return PREFIX .. 'costs:' .. lane .. ':' .. name
end

local function dear_key(lane, name, cost)
  return PREFIX .. 'dear:' .. lane .. ':' .. name .. ':' .. cost
end

-- The base of a line, and its sets of dear jobs: {{cost, key}, ...}.
local function costs_of(lane, name)
  local base, dear = USUAL_COST, {}
  local fields = redis.call('HGETALL', costs_key(lane, name))
  for i = 1, #fields, 2 do
    if fields[i] == 'base' then
      base = tonumber(fields[i + 1])
    else
      dear[#dear + 1] = { cost = tonumber(fields[i]), key = dear_key(lane, name, fields[i]) }
    end
  end
  return base, dear
end

-- A line as it is now: {key, size, base, dear}.
local function line_of(lane, name)
  local line = { key = line_key(lane, name), base = USUAL_COST, dear = {} }
  line.size = redis.call('ZCARD', line.key)
  if line.size > 0 then
    line.base, line.dear = costs_of(lane, name)
  end
  return line
end

-- Whether one text sorts before another as sorted sets have it: by bytes, in any locale.
local function sorts_before(one, other)
  for i = 1, math.min(#one, #other) do
    local left, right = string.byte(one, i), string.byte(other, i)
    if left ~= right then
      return left < right
    end
  end
  return #one < #other
end

-- How many members of a sorted set sort before a member of another one.
local function sorted_before(key, id, score)
  if tonumber(score) == 0 then -- a batch's line: all of its jobs have this score
    return redis.call('ZLEXCOUNT', key, '-', '(' .. id)
  end
  local number = redis.call('ZCOUNT', key, '-inf', '(' .. score)
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', key, score, score)) do
    number = number + (sorts_before(other, id) and 1 or 0)
  end
  return number
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

-- How many jobs of an owner wait in a lane, counted no further than `enough`.
local function waiting_of(lane, owner, enough)
  local waiting = redis.call('ZCARD', line_key(lane, owner))
  if waiting < enough then
    for _, batch in ipairs(redis.call('ZRANGE', PREFIX .. 'batchline:' .. lane .. ':' .. owner, 0, -1)) do
      waiting = waiting + redis.call('ZCARD', line_key(lane, batch))
      if waiting >= enough then
        break
      end
    end
  end
  return math.min(waiting, enough)
end

-- How many jobs of a lane wait that could start, counted no further than `enough`, and of so many owners at the most.
local function waiting_in(lane, enough)
  local number = 0
  for _, owner in ipairs(redis.call('ZRANGE', PREFIX .. 'turns:' .. lane, 0, MOST_OWNERS - 1)) do
    if number >= enough then
      break
    end
    number = number + waiting_of(lane, owner, enough - number)
  end
  return number
end
