-- Counts what living workers have to do besides jobs: batches to write, cancel, remove or fail; hosts with due
-- webhooks.
-- ARGV: none.
-- Returns the number.
--- read only
--- include keys, basics
local now = now_ms()
return redis.call('ZCARD', finalizing_key())
  + redis.call('SCARD', canceling_key())
  + redis.call('SCARD', discarding_key())
  + redis.call('ZCOUNT', validating_key(), '-inf', now)
  + redis.call('ZCOUNT', outboxes_key(), '-inf', now)
