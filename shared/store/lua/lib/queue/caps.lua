-- Caps: how many jobs of an owner run at a time, in all lanes together.
--
-- An owner at its cap rests: when its turn comes, it leaves the lane's rotation, with its start tag. It comes back when
-- one of its jobs stops running. So no step passes over such owners again and again, and no message asks for their
-- jobs. An owner that rests has a running job, so it comes back.
--- include keys, counters, waiting, LANES

local caps = {} -- of the owners that this script has met
local any_caps -- whether an operator has set a limit for any owner

-- Returns how many more jobs of an owner may run; `usual` is the cap of owners without one of their own, 0 for none.
local function room_of(owner, usual)
  if any_caps == nil then
    any_caps = redis.call('EXISTS', limits_key()) == 1
  end
  if not caps[owner] then
    caps[owner] = tonumber(any_caps and redis.call('HGET', limits_key(), 'running:' .. owner) or usual)
  end
  if caps[owner] == 0 then
    return math.huge
  end
  local counts = counts_key(owner)
  return caps[owner] - count_of(counts, 'running') - count_of(counts, 'canceling')
end

local function rest(lane, owner)
  redis.call('ZADD', capped_key(lane), 'GT', redis.call('ZSCORE', turns_key(lane), owner), owner)
  redis.call('ZREM', turns_key(lane), owner)
  redis.call('SADD', resting_key(), owner)
end

-- Lets an owner that rests come back, not before the job that started last. Returns the lanes in which it rested.
local function wake(owner)
  local lanes = {}
  for _, lane in ipairs(redis.call('SREM', resting_key(), owner) == 1 and LANES or {}) do
    local start = redis.call('ZSCORE', capped_key(lane), owner)
    if start then
      redis.call('ZREM', capped_key(lane), owner)
      redis.call('ZADD', turns_key(lane), 'GT', start, owner)
      enter_rotation(lane, owner)
      lanes[#lanes + 1] = lane
    end
  end
  return lanes
end
