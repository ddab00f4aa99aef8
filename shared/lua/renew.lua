-- ARGV: lease_ms, then id, token of each job held. Answers the ids that must be let go: lost or canceled.
also_when_full()
local lease_end = now_ms() + tonumber(ARGV[1])
local let_go = {}
for i = 2, #ARGV, 2 do
  local id, token = ARGV[i], ARGV[i + 1]
  local status = status_for(id, token)
  if status then
    redis.call('ZADD', PREFIX .. 'leases', 'XX', lease_end, id)
  end
  if status ~= 'running' then
    let_go[#let_go + 1] = id
  end
end
return let_go
