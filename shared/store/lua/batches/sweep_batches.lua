-- Fails batches whose reader fell silent.
-- ARGV: none.
-- Returns {batches to discard; batches to cancel; batches to move; recovery log}: the first three are what is left to
-- do.
--- include keys, basics, when_full, recovery_log, interruption
also_when_full()
for _, batch in ipairs(redis.call('ZRANGEBYSCORE', validating_key(), '-inf', now_ms(), 'LIMIT', 0, 100)) do
  interrupt_batch(batch)
end
return {
  redis.call('SMEMBERS', discarding_key()), redis.call('SMEMBERS', canceling_key()),
  redis.call('SMEMBERS', moving_key()), recovery_log,
}
