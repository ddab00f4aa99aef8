-- Lines of waiting jobs, and what their jobs cost (cost.py).
--
-- A line has its jobs in the order in which they start. Each job costs the line's base, unless it is also in a
-- `dear:` set of the line; each other cost has such a set. So the cost of any part of a line is computed without
-- reading its jobs, and a line of equal jobs needs no further set.
--- include keys, USUAL_COST

-- Returns the base of a line, and its `dear:` sets as {{cost, key}, ...}.
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

-- Returns whether one text sorts before another as in a sorted set: by bytes, in any locale.
local function sorts_before(one, other)
  for i = 1, math.min(#one, #other) do
    local left, right = string.byte(one, i), string.byte(other, i)
    if left ~= right then
      return left < right
    end
  end
  return #one < #other
end

-- Counts the members of a sorted set that sort before a member of another sorted set.
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
