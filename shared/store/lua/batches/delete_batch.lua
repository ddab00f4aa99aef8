-- Takes a batch whose jobs have ended from its owner's sight; discard_jobs.lua removes its jobs and then the batch.
-- ARGV: batch, owner.
-- Returns the status; nothing if this owner has no such batch. Nothing changes while the batch is read or runs.
--- include keys, when_full, idempotency
also_when_full()
local batch, owner = ARGV[1], ARGV[2]
local key = batch_key(batch)
local status, holder, name, deleted = unpack(redis.call('HMGET', key, 'status', 'owner', 'idempotency', 'deleted'))
if holder ~= owner or deleted then
  return nil
end
if status == 'validating' or status == 'running' then
  return status
end
redis.call('HSET', key, 'deleted', 1, 'retired', 1) -- so none of its jobs is retried from now on
redis.call('SADD', discarding_key(), batch)
redis.call('ZREM', batches_key(owner), batch)
redis.call('ZREM', finalizing_key(), batch)
if name then
  forget_name(name, batch)
end
redis.call('PUBLISH', changed_channel(batch), 0)
return status
