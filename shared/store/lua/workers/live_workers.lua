-- ARGV: within_ms. Answers {description, time of the last heartbeat in ms, 1 if it is to end, {ids of jobs}} of each
-- worker process that was heard of since then.
--- read only
--- include keys, basics
local since = (now_ms() - tonumber(ARGV[1])) / 1000
local found = redis.call('ZRANGEBYSCORE', PREFIX .. 'workers', since, '+inf', 'WITHSCORES')
local answer = {}
for i = 1, #found, 2 do
  local id = found[i]
  local description = redis.call('HGET', PREFIX .. 'worker:infos', id)
  if description then
    answer[#answer + 1] = {
      description,
      math.floor(tonumber(found[i + 1]) * 1000),
      redis.call('SISMEMBER', PREFIX .. 'workers:draining', id),
      redis.call('SMEMBERS', PREFIX .. 'held:' .. id),
    }
  end
end
return answer
