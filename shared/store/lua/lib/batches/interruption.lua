--- include keys, basics, notices, recovery_log, batches

-- Ends a batch whose reading was interrupted; its jobs never ran and are removed.
local function interrupt_batch(batch)
  log_recovery_action(batch, 'interrupted', redis.call('HGET', batch_key(batch), 'origin') or '')
  redis.call('HSET', batch_key(batch), 'status', 'failed', 'finished_ms', now_ms(), 'error', cjson.encode({
    code = 'interrupted', detail = 'Reading the batch was interrupted; none of its jobs ran. Send it again',
  }))
  redis.call('ZREM', PREFIX .. 'validating', batch)
  redis.call('SADD', PREFIX .. 'discarding', batch)
  redis.call('ZADD', PREFIX .. 'ended', now_ms(), batch)
  batch_changed(batch)
  enqueue_batch_delivery(batch)
end
