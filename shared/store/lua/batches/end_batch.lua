-- Ends a batch whose results are written.
-- ARGV: batch, the `seq` that the results show, output key, errors key, summary of the losses (JSON; '' if none were
-- measured).
-- Returns 1; 0 if the batch has changed since: its results are to be written again, or it runs again.
--- include keys, basics, when_full, orphans, batches
also_when_full()
local batch, seq, output_key, errors_key, losses = unpack(ARGV)
local key = batch_key(batch)
local status, now_seq = unpack(redis.call('HMGET', key, 'status', 'seq'))
if not status then -- the batch was removed meanwhile
  note_orphan(output_key)
  note_orphan(errors_key)
end
if status ~= 'finalizing' then
  return 0
end
if redis.call('SISMEMBER', adopting_key(), batch) == 1 then
  return 0 -- not all of its jobs were read; adopt_batch.lua has the results written again
end
if now_seq ~= seq then
  redis.call('ZADD', finalizing_key(), now_ms(), batch)
  return 0
end
redis.call('HSET', key, 'output_key', output_key, 'errors_key', errors_key)
if losses and losses ~= '' then
  redis.call('HSET', key, 'losses', losses)
end
complete_batch(batch)
return 1
