-- Changes of a batch's status.
--- include keys, basics, notices

-- Follows each change of a batch. When its last job has ended, its results are to be written; when a job is retried
-- after that, the batch runs again.
local function batch_changed(id)
  local key = batch_key(id)
  local status, queued, running, canceling =
    unpack(redis.call('HMGET', key, 'status', 'queued', 'running', 'canceling'))
  local unfinished = (queued or 0) + (running or 0) + (canceling or 0)
  if unfinished == 0 and status == 'running' then
    redis.call('HSET', key, 'status', 'finalizing')
    redis.call('ZADD', finalizing_key(), now_ms(), id)
  elseif unfinished > 0 and (status == 'finalizing' or status == 'completed' or status == 'canceled') then
    redis.call('HSET', key, 'status', 'running', 'queued_ms', now_ms())
    redis.call('HDEL', key, 'finished_ms', 'cancel_ms', 'cancel_cursor', 'output_key', 'errors_key', 'losses', 'error')
    redis.call('HDEL', key, 'paused_ms')
    redis.call('SREM', canceling_key(), id) -- the jobs left to cancel had ended
    redis.call('ZREM', finalizing_key(), id)
    redis.call('ZREM', ended_key(), id)
  end
  redis.call('PUBLISH', changed_channel(id), redis.call('HINCRBY', key, 'seq', 1))
end

-- Returns the status of an owner's batch, 'canceled' from the wish on, and whether an order for its waiting jobs still
-- makes sense; nothing if this owner has no such batch.
local function steerable(key, owner)
  local status, holder, canceled = unpack(redis.call('HMGET', key, 'status', 'owner', 'cancel_ms'))
  if holder ~= owner then
    return nil
  end
  return canceled and 'canceled' or status, status == 'running' and not canceled
end

-- Ends a batch whose jobs have all ended and whose results are written, or not wanted by its client.
local function complete_batch(id)
  local key = batch_key(id)
  local status = redis.call('HEXISTS', key, 'cancel_ms') == 1 and 'canceled' or 'completed'
  redis.call('HSET', key, 'status', status, 'finished_ms', now_ms())
  redis.call('HDEL', key, 'error')
  redis.call('ZREM', finalizing_key(), id)
  redis.call('ZADD', ended_key(), now_ms(), id)
  batch_changed(id)
  enqueue_batch_delivery(id)
end
