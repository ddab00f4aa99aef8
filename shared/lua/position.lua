-- Put in front of the scripts that only look: where a job stands.

-- How many jobs of an owner wait in a lane, counted no further than `enough`.
local function waiting_of(lane, owner, enough)
  local waiting = redis.call('ZCARD', PREFIX .. 'line:' .. lane .. ':' .. owner)
  if waiting < enough then
    for _, batch in ipairs(redis.call('ZRANGE', PREFIX .. 'batchline:' .. lane .. ':' .. owner, 0, -1)) do
      waiting = waiting + redis.call('ZCARD', PREFIX .. 'line:' .. lane .. ':' .. batch)
      if waiting >= enough then
        break
      end
    end
  end
  return math.min(waiting, enough)
end

-- How many jobs of an owner's batches the dispatcher takes before what was queued at `queued`, or before `batch`.
local function batched_before(lane, owner, queued, batch)
  local before = 0
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'batchline:' .. lane .. ':' .. owner, '-inf', queued)) do
    if other == batch then
      break
    end
    before = before + redis.call('ZCARD', PREFIX .. 'line:' .. lane .. ':' .. other)
  end
  return before
end

-- The place of a queued job among those of its lane, from 1, if no other comes; nothing if it waits for a retry
-- or its batch is not offered to the dispatcher.
local function position(id, lane, owner, batch, queued)
  local sent = redis.call('ZRANK', PREFIX .. 'dispatched:' .. lane, id)
  if sent then
    return sent + 1
  end
  local own = redis.call('ZRANK', PREFIX .. 'line:' .. lane .. ':' .. (batch or owner), id)
  if not own then
    return nil
  end
  if batch then
    queued = redis.call('ZSCORE', PREFIX .. 'batchline:' .. lane .. ':' .. owner, batch)
    if not queued then
      return nil
    end
    own = own + redis.call('ZCOUNT', PREFIX .. 'line:' .. lane .. ':' .. owner, '-inf', '(' .. queued)
  end
  own = own + batched_before(lane, owner, queued, batch)
  local ahead, theirs_first = redis.call('ZCARD', PREFIX .. 'dispatched:' .. lane) + own, 1
  for _, other in ipairs(redis.call('ZRANGE', PREFIX .. 'turns:' .. lane, 0, -1)) do
    if other == owner then
      theirs_first = 0 -- from here on, others have a turn less before this job
    elseif own + theirs_first > 0 then
      ahead = ahead + waiting_of(lane, other, own + theirs_first)
    end
  end
  return ahead + 1
end
