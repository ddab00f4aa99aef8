-- Renews the leases of held jobs and stores their progress.
-- ARGV: lease_ms, then for each job its id, token, progress (JSON; '' if unchanged).
-- Returns the ids of the jobs that the caller must drop, because they are lost or canceled.
--- include keys, basics, when_full, claims
also_when_full()
local lease_end = now_ms() + tonumber(ARGV[1])
local let_go = {}
for i = 2, #ARGV, 3 do
  local id, token, progress = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local status = status_for(id, token)
  if status then
    redis.call('ZADD', leases_key(), 'XX', lease_end, id)
  end
  if status ~= 'running' then
    let_go[#let_go + 1] = id
  elseif progress ~= '' then
    redis.call('HSET', job_key(id), 'progress', progress)
    local side = cjson.decode(progress).chosen_side
    if side then -- stays when the progress is erased, so that later attempts choose the same
      redis.call('HSET', job_key(id), 'chosen_side', side)
    end
    redis.call('PUBLISH', changed_channel(id), redis.call('HINCRBY', job_key(id), 'seq', 1))
  end
end
return let_go
