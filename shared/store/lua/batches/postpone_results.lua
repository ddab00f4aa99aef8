-- Notes why the results of a batch could not be written. After the delay the batch can be leased again.
-- ARGV: batch, delay_ms, error (JSON), output key, errors key.
-- Returns nothing.
--- include keys, basics, when_full, orphans, batches
also_when_full()
local batch, delay_ms, why, output_key, errors_key = unpack(ARGV)
local key = batch_key(batch)
local status, before = unpack(redis.call('HMGET', key, 'status', 'error'))
if not status then -- the batch was removed meanwhile, and one of the two may be written
  note_orphan(output_key)
  note_orphan(errors_key)
end
if status ~= 'finalizing' then
  return
end
redis.call('ZADD', finalizing_key(), now_ms() + tonumber(delay_ms), batch)
if before ~= why then
  redis.call('HSET', key, 'error', why)
  batch_changed(batch)
end
