-- How many jobs wait.
--- include keys

local MOST_OWNERS = 1000 -- whose jobs `waiting_in` counts
local MOST_EMPTY = 100 -- batches without waiting jobs that `waiting_of` passes over

-- Counts the waiting jobs of an owner in a lane, up to `enough`.
local function waiting_of(lane, owner, enough)
  local waiting = redis.call('ZCARD', line_key(lane, owner))
  if waiting < enough then
    for _, batch in ipairs(redis.call('ZRANGE', batch_line_key(lane, owner), 0, enough + MOST_EMPTY - 1)) do
      waiting = waiting + redis.call('ZCARD', line_key(lane, batch))
      if waiting >= enough then
        break
      end
    end
  end
  return math.min(waiting, enough)
end

-- Counts the waiting jobs of a lane that could start, up to `enough`, and of MOST_OWNERS owners at most.
-- `room_of_owner` returns how many jobs of an owner may start; nothing stands for any number.
local function waiting_in(lane, enough, room_of_owner)
  local number = 0
  for _, owner in ipairs(redis.call('ZRANGE', turns_key(lane), 0, MOST_OWNERS - 1)) do
    if number >= enough then
      break
    end
    local most = room_of_owner and math.max(0, room_of_owner(owner)) or enough
    number = number + waiting_of(lane, owner, math.min(enough - number, most))
  end
  return number
end
