-- ARGV: most, then lanes. Answers for each lane {queued, scheduled, dispatched, running, canceling, age_ms, paused},
-- all at one moment; the age of the oldest job that could start is -1 if there is none. Counts cost the same however
-- many jobs there are. For the age it looks at the head of each owner's lines and at each message on its way, but at no
-- more than `most` of either: at those that have waited longest for their turn, and those that were sent first.
--- read only
--- include keys, basics
local most = tonumber(ARGV[1])
local now = now_ms()

-- When the first of an owner's waiting jobs was queued. Batches whose jobs are all on their way may still stand in
-- its line, for the dispatcher to remove.
local function first_of(lane, owner)
  local single = redis.call('ZRANGE', PREFIX .. 'line:' .. lane .. ':' .. owner, 0, 0, 'WITHSCORES')[2]
  local first = tonumber(single) or math.huge
  local batches = redis.call('ZRANGE', PREFIX .. 'batchline:' .. lane .. ':' .. owner, 0, 9, 'WITHSCORES')
  for i = 1, #batches, 2 do
    if tonumber(batches[i + 1]) >= first then
      break
    end
    if redis.call('EXISTS', PREFIX .. 'line:' .. lane .. ':' .. batches[i]) == 1 then
      return tonumber(batches[i + 1])
    end
  end
  return first
end

local function oldest(lane)
  local first = math.huge
  for _, owner in ipairs(redis.call('ZRANGE', PREFIX .. 'turns:' .. lane, 0, most - 1)) do
    first = math.min(first, first_of(lane, owner))
  end
  local on_their_way = redis.call('ZRANGE', PREFIX .. 'dispatched:' .. lane, 0, most - 1)
  local due = redis.call('ZRANGEBYSCORE', PREFIX .. 'scheduled:' .. lane, '-inf', now, 'LIMIT', 0, most)
  for _, ids in ipairs({ on_their_way, due }) do
    for _, id in ipairs(ids) do
      first = math.min(first, tonumber(read(id, 'queued_ms')[1]) or math.huge)
    end
  end
  return first
end

local function age(first)
  return first == math.huge and -1 or math.max(0, now - first)
end

local answer = {}
for i = 2, #ARGV do
  local lane = ARGV[i]
  local load = redis.call('HMGET', PREFIX .. 'load', lane .. ':queued', lane .. ':running', lane .. ':canceling')
  local queued, scheduled = tonumber(load[1] or 0), redis.call('ZCARD', PREFIX .. 'scheduled:' .. lane)
  local messages = redis.call('ZCARD', PREFIX .. 'dispatched:' .. lane) + redis.call('ZCARD', PREFIX .. 'calls:' .. lane)
  answer[#answer + 1] = {
    queued,
    scheduled,
    math.min(messages, queued - scheduled), -- there may be messages for which no job is left
    tonumber(load[2] or 0),
    tonumber(load[3] or 0),
    age(oldest(lane)),
    redis.call('SISMEMBER', PREFIX .. 'paused', lane),
  }
end
return answer
