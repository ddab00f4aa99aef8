-- Marks jobs without a batch, and batches, that ended long ago, the oldest first; none of them is retried from now
-- on.
-- ARGV: age_ms, number.
-- Returns their ids, again in each call until they are removed: the caller removes the objects, and then the records.
--- include keys, basics, when_full
also_when_full()
local last = now_ms() - tonumber(ARGV[1])
local ids = redis.call('ZRANGEBYSCORE', ended_key(), '-inf', last, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  local key = string.sub(id, 1, 4) == 'job_' and job_key(id) or batch_key(id)
  redis.call('HSET', key, 'retired', 1)
end
return ids
