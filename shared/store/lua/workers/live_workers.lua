-- Lists the worker processes with a recent heartbeat.
-- ARGV: within_ms.
-- Returns for each {description, time of the last heartbeat in ms, 1 if it is being drained, ids of its jobs}.
--- read only
--- include keys, basics
local since = (now_ms() - tonumber(ARGV[1])) / 1000
local found = redis.call('ZRANGEBYSCORE', workers_key(), since, '+inf', 'WITHSCORES')
local answer = {}
for i = 1, #found, 2 do
  local id = found[i]
  local description = redis.call('HGET', worker_infos_key(), id)
  if description then
    answer[#answer + 1] = {
      description,
      math.floor(tonumber(found[i + 1]) * 1000),
      redis.call('SISMEMBER', workers_draining_key(), id),
      redis.call('SMEMBERS', held_key(id)),
    }
  end
end
return answer
