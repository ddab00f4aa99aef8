-- ARGV: age_ms, number. Marks jobs without a batch, and batches, that ended longer ago, the oldest first: none of them
-- is tried again. Answers their ids; the caller removes their objects and then their records, and until then the next
-- call answers them once more.
--- include keys, basics, when_full
also_when_full()
local last = now_ms() - tonumber(ARGV[1])
local ids = redis.call('ZRANGEBYSCORE', PREFIX .. 'ended', '-inf', last, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  local key = string.sub(id, 1, 4) == 'job_' and job_key(id) or batch_key(id)
  redis.call('HSET', key, 'retired', 1)
end
return ids
