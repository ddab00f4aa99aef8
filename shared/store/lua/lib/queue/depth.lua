--- include keys, lines

local MOST_OWNERS = 1000 -- whose jobs are counted where that is done in passing
local MOST_EMPTY = 100 -- batches in an owner's line of which no job waits any more, where that is done

-- How many jobs of an owner wait in a lane, counted no further than `enough`.
local function waiting_of(lane, owner, enough)
  local waiting = redis.call('ZCARD', line_key(lane, owner))
  if waiting < enough then
    local batches = redis.call('ZRANGE', PREFIX .. 'batchline:' .. lane .. ':' .. owner, 0, enough + MOST_EMPTY - 1)
    for _, batch in ipairs(batches) do
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
