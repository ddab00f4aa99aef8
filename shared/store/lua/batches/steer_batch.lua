-- Pauses or resumes a batch that is not done, or lets it go before the owner's other waiting jobs.
-- ARGV: batch, owner, step: 'pause', 'resume' or 'first'.
-- Returns the status; nothing if this owner has no such batch. Only a running batch that is not being canceled changes.
--- include keys, basics, waiting, batches, LANES
local batch, owner, step = ARGV[1], ARGV[2], ARGV[3]
local key = batch_key(batch)
local status, open = steerable(key, owner)
if not open then
  return status
end

-- Returns the time at which the first of the owner's waiting jobs was queued, in any lane.
local function first_of_owner()
  local first = now_ms()
  for _, lane in ipairs(LANES) do
    for _, waiting in ipairs({ line_key(lane, owner), batch_line_key(lane, owner) }) do
      first = math.min(first, tonumber(redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]) or first)
    end
  end
  return first
end

if step == 'pause' then
  redis.call('HSETNX', key, 'paused_ms', now_ms())
elseif step == 'resume' then
  redis.call('HDEL', key, 'paused_ms')
else
  redis.call('HSET', key, 'queued_ms', first_of_owner() - 1)
end
for _, lane in ipairs(LANES) do
  if step == 'pause' then
    redis.call('ZREM', batch_line_key(lane, owner), batch)
  elseif redis.call('EXISTS', line_key(lane, batch)) == 1 then
    batch_waits(lane, owner, batch)
  end
end
batch_changed(batch)
return status
