-- Batches whose reader fell silent.
--- include keys, basics, notices, recovery_log, batches

-- Fails a batch. Its jobs never ran; they are removed in steps.
local function interrupt_batch(batch)
  log_recovery_action(batch, 'interrupted', redis.call('HGET', batch_key(batch), 'origin') or '')
  redis.call('HSET', batch_key(batch), 'status', 'failed', 'finished_ms', now_ms(), 'error', cjson.encode({
    code = 'interrupted', detail = 'Reading the batch was interrupted; none of its jobs ran. Send it again',
  }))
  redis.call('ZREM', validating_key(), batch)
  redis.call('SADD', discarding_key(), batch)
  redis.call('ZADD', ended_key(), now_ms(), batch)
  batch_changed(batch)
  enqueue_batch_delivery(batch)
end
