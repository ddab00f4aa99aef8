--- include keys, basics, notices

-- Called after each change of a batch: when the last of its jobs has ended, its results are to be written; when
-- one of them is tried again after that, it runs again.
local function batch_changed(id)
  local key = batch_key(id)
  local status, queued, running, canceling =
    unpack(redis.call('HMGET', key, 'status', 'queued', 'running', 'canceling'))
  local unfinished = (queued or 0) + (running or 0) + (canceling or 0)
  if unfinished == 0 and status == 'running' then
    redis.call('HSET', key, 'status', 'finalizing')
    redis.call('ZADD', PREFIX .. 'finalizing', now_ms(), id)
  elseif unfinished > 0 and (status == 'finalizing' or status == 'completed' or status == 'canceled') then
    redis.call('HSET', key, 'status', 'running', 'queued_ms', now_ms())
    redis.call('HDEL', key, 'finished_ms', 'cancel_ms', 'cancel_cursor', 'output_key', 'errors_key', 'losses', 'error')
    redis.call('SREM', PREFIX .. 'canceling', id) -- what is left to cancel had ended
    redis.call('ZREM', PREFIX .. 'finalizing', id)
    redis.call('ZREM', PREFIX .. 'ended', id)
  end
  redis.call('PUBLISH', PREFIX .. 'changed:' .. id, redis.call('HINCRBY', key, 'seq', 1))
end

-- Ends a batch whose jobs have all ended; its results are written, or its client wants it to end without them.
local function complete_batch(id)
  local key = batch_key(id)
  local status = redis.call('HEXISTS', key, 'cancel_ms') == 1 and 'canceled' or 'completed'
  redis.call('HSET', key, 'status', status, 'finished_ms', now_ms())
  redis.call('HDEL', key, 'error')
  redis.call('ZREM', PREFIX .. 'finalizing', id)
  redis.call('ZADD', PREFIX .. 'ended', now_ms(), id)
  batch_changed(id)
  enqueue_batch_delivery(id)
end
