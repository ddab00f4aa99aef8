-- ARGV: batch, delay_ms, why (JSON), output key, errors key. The results of a batch could not be written: it tells why
-- until they are, and is taken again after the delay.
--- include keys, basics, when_full, orphans, batches
also_when_full()
local batch, delay_ms, why, output_key, errors_key = unpack(ARGV)
local key = batch_key(batch)
local status, before = unpack(redis.call('HMGET', key, 'status', 'error'))
if not status then -- removed meanwhile; one of the two may have been written
  note_orphan(output_key)
  note_orphan(errors_key)
end
if status ~= 'finalizing' then
  return
end
redis.call('ZADD', PREFIX .. 'finalizing', now_ms() + tonumber(delay_ms), batch)
if before ~= why then
  redis.call('HSET', key, 'error', why)
  batch_changed(batch)
end
