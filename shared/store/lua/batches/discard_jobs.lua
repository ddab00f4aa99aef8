-- Removes jobs of a batch in steps, and then what is left of the batch. No worker may hold the jobs.
-- ARGV: batch, number, 'all' or 'jobs' ('jobs' keeps the record of a failed batch that its owner has not deleted), '1'
-- if the owner asked for it, else '0'.
-- Returns {1 if there may be more, else 0; keys of objects that are to be removed, ...}.
--- include keys, basics, when_full, stored, idempotency, deliveries, orphans, removal, batch_lines, transitions
--- include OBJECT_KEYS, LANES
also_when_full()
local batch, number, asked = ARGV[1], tonumber(ARGV[2]), ARGV[4] == '1'
local key = batch_key(batch)
local owner, status, name, bytes, deleted =
  unpack(redis.call('HMGET', key, 'owner', 'status', 'idempotency', 'bytes', 'deleted'))
asked = asked or deleted
redis.call('SREM', canceling_key(), batch)
if not owner then
  redis.call('SREM', discarding_key(), batch)
  return { 0 }
end
local answer = { 0 }
local ids = jobs_of_batch(batch, '', number)
counting_together(function()
  for _, id in ipairs(ids) do
    keep(id)
    for _, object in ipairs(remove_job(id, asked)) do
      answer[#answer + 1] = object
    end
  end
end)
if #ids == number then
  answer[1] = 1
  return answer
end
redis.call('SREM', discarding_key(), batch)
redis.call('SREM', adopting_key(), batch)
redis.call('SREM', moving_key(), batch)
for _, lane in ipairs(LANES) do
  redis.call('ZREM', batch_line_key(lane, owner), batch)
end
redis.call('DEL', done_key(batch))
if status == 'failed' and ARGV[3] ~= 'all' and not deleted then
  return answer
end
for _, results in ipairs(status ~= 'failed' and status ~= 'validating' and { 'output', 'errors' } or {}) do
  answer[#answer + 1] = results_key(folder_of(key), batch, results)
  note_orphan(answer[#answer])
end
remove_deliveries(batch)
redis.call('DEL', key, rejected_key(batch))
add_record_bytes(owner, bytes and -bytes)
redis.call('ZREM', batches_key(owner), batch)
redis.call('ZREM', ended_key(), batch)
redis.call('ZREM', validating_key(), batch)
redis.call('ZREM', finalizing_key(), batch)
redis.call('PUBLISH', changed_channel(batch), 0)
if name then
  forget_name(name, batch)
end
return answer
