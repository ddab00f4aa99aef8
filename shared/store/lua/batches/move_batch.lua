-- Lets a batch's waiting jobs go to another lane; move_jobs.lua moves them.
-- ARGV: batch, owner, lane.
-- Returns the status; nothing if this owner has no such batch; 'optimize' if jobs of it wait in that lane, which they
-- cannot leave. Only a running batch that is not being canceled changes. A later call overrules an earlier one.
--- include keys, batches
local batch, owner, lane = ARGV[1], ARGV[2], ARGV[3]
local key = batch_key(batch)
local status, open = steerable(key, owner)
if not open then
  return status
end
if redis.call('EXISTS', line_key('optimize', batch)) == 1 then
  return 'optimize'
end
redis.call('HSET', key, 'lane_to', lane)
redis.call('HDEL', key, 'lane_cursor')
redis.call('SADD', moving_key(), batch)
batch_changed(batch)
return status
