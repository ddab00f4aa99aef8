-- Ends batches whose reading was interrupted. Answers {batches to discard, batches to cancel: what is left
-- to do; what was done, as `tell` has it}.
--- include keys, basics, when_full, recovery_log, interruption
also_when_full()
for _, batch in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'validating', '-inf', now_ms(), 'LIMIT', 0, 100)) do
  interrupt_batch(batch)
end
return { redis.call('SMEMBERS', PREFIX .. 'discarding'), redis.call('SMEMBERS', PREFIX .. 'canceling'), recovery_log }
