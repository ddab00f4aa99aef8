-- Cancels the next jobs of a batch that is being canceled.
-- ARGV: batch, number.
-- Returns 1 if there may be more, else 0.
--- include keys, basics, when_full, endings, batch_lines, transitions
also_when_full()
local batch, number = ARGV[1], tonumber(ARGV[2])
local key = batch_key(batch)
if redis.call('SISMEMBER', canceling_key(), batch) == 0 then
  return 0
end
local ids = jobs_of_batch(batch, redis.call('HGET', key, 'cancel_cursor') or '', number)
if #ids > 0 then
  redis.call('HSET', key, 'cancel_cursor', ids[#ids])
end
counting_together(function()
  for _, id in ipairs(ids) do
    keep(id)
    cancel_job(id)
  end
end)
if #ids < number then
  redis.call('SREM', canceling_key(), batch)
  return 0
end
return 1
