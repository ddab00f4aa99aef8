-- Reads the state of lanes at one moment.
-- ARGV: most (of jobs and owners to look at), then lanes.
-- Returns for each lane {queued, scheduled, dispatched, running, canceling, age_ms, paused}; age_ms is -1 if no job
-- could start.
-- The counts cost the same for any number of jobs. The age of the oldest job that could start is read from the head
-- of each owner's lines and from each message on its way, but from at most `most` of either: the owners whose turn
-- comes first, and the messages that were sent first.
--- read only
--- include keys, basics
local most = tonumber(ARGV[1])
local now = now_ms()

-- Returns the time at which the first of an owner's waiting jobs was queued. A batch that has no more waiting jobs
-- may still be listed; dispatch.lua removes it.
local function first_of(lane, owner)
  local single = redis.call('ZRANGE', line_key(lane, owner), 0, 0, 'WITHSCORES')[2]
  local first = tonumber(single) or math.huge
  local batches = redis.call('ZRANGE', batch_line_key(lane, owner), 0, 9, 'WITHSCORES')
  for i = 1, #batches, 2 do
    if tonumber(batches[i + 1]) >= first then
      break
    end
    if redis.call('EXISTS', line_key(lane, batches[i])) == 1 then
      return tonumber(batches[i + 1])
    end
  end
  return first
end

local function oldest(lane)
  local first = math.huge
  for _, owner in ipairs(redis.call('ZRANGE', turns_key(lane), 0, most - 1)) do
    first = math.min(first, first_of(lane, owner))
  end
  local on_their_way = redis.call('ZRANGE', dispatched_key(lane), 0, most - 1)
  local due = redis.call('ZRANGEBYSCORE', scheduled_key(lane), '-inf', now, 'LIMIT', 0, most)
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
  local load = redis.call('HMGET', load_key(), lane .. ':queued', lane .. ':running', lane .. ':canceling')
  local queued, scheduled = tonumber(load[1] or 0), redis.call('ZCARD', scheduled_key(lane))
  local messages = redis.call('ZCARD', dispatched_key(lane)) + redis.call('ZCARD', calls_key(lane))
  answer[#answer + 1] = {
    queued,
    scheduled,
    math.min(messages, queued - scheduled), -- there may be more messages than jobs
    tonumber(load[2] or 0),
    tonumber(load[3] or 0),
    age(oldest(lane)),
    redis.call('SISMEMBER', paused_key(), lane),
  }
end
return answer
