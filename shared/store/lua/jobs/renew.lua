-- ARGV: lease_ms, then id, token, progress (JSON; '' if it is as before) of each job held. Answers the ids that must be
-- let go: lost or canceled.
--- include keys, basics, when_full, claims
also_when_full()
local lease_end = now_ms() + tonumber(ARGV[1])
local let_go = {}
for i = 2, #ARGV, 3 do
  local id, token, progress = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local status = status_for(id, token)
  if status then
    redis.call('ZADD', PREFIX .. 'leases', 'XX', lease_end, id)
  end
  if status ~= 'running' then
    let_go[#let_go + 1] = id
  elseif progress ~= '' then
    redis.call('HSET', job_key(id), 'progress', progress)
    redis.call('PUBLISH', PREFIX .. 'changed:' .. id, redis.call('HINCRBY', job_key(id), 'seq', 1))
  end
end
return let_go
