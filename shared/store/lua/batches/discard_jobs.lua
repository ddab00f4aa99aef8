-- ARGV: batch, number, 'all' or 'jobs' (then the record of one that failed stays), '1' if the owner asked for it, else
-- '0'. Removes jobs of a batch that no worker holds, some at a time, then all that is left of it. Answers {1 if there
-- may be more, else 0, keys of objects that are to be removed ...}.
--- include keys, basics, when_full, deliveries, orphans, removal, stored, batch_lines, LANES
-- An object with a batch's results.
local function batch_object(owner, batch, name)
  return 'results/' .. owner .. '/' .. batch .. '/' .. name .. '.ndjson'
end

also_when_full()
local batch, number, asked = ARGV[1], tonumber(ARGV[2]), ARGV[4] == '1'
local key = batch_key(batch)
local owner, status, name, bytes = unpack(redis.call('HMGET', key, 'owner', 'status', 'idempotency', 'bytes'))
redis.call('SREM', PREFIX .. 'canceling', batch)
if not owner then
  redis.call('SREM', PREFIX .. 'discarding', batch)
  return { 0 }
end
local answer = { 0 }
local ids = jobs_of_batch(batch, '', number)
for _, id in ipairs(ids) do
  for _, object in ipairs(remove_job(id, asked)) do
    answer[#answer + 1] = object
  end
end
if #ids == number then
  answer[1] = 1
  return answer
end
redis.call('SREM', PREFIX .. 'discarding', batch)
redis.call('SREM', PREFIX .. 'adopting', batch)
for _, lane in ipairs(LANES) do
  redis.call('ZREM', PREFIX .. 'batchline:' .. lane .. ':' .. owner, batch)
end
redis.call('DEL', PREFIX .. 'done:' .. batch)
if status == 'failed' and ARGV[3] ~= 'all' then
  return answer
end
for _, results in ipairs(status ~= 'failed' and status ~= 'validating' and { 'output', 'errors' } or {}) do
  answer[#answer + 1] = batch_object(folder_of(key), batch, results)
  note_orphan(answer[#answer])
end
remove_deliveries(batch)
redis.call('DEL', key, PREFIX .. 'rejected:' .. batch)
add_record_bytes(owner, bytes and -bytes)
redis.call('ZREM', PREFIX .. 'batches:' .. owner, batch)
redis.call('ZREM', PREFIX .. 'ended', batch)
redis.call('ZREM', PREFIX .. 'validating', batch)
redis.call('ZREM', PREFIX .. 'finalizing', batch)
redis.call('PUBLISH', PREFIX .. 'changed:' .. batch, 0)
if name then
  local idempotency = PREFIX .. 'idempotency:' .. name
  local before = redis.call('GET', idempotency)
  if before and string.sub(before, -string.len(batch)) == batch then
    redis.call('DEL', idempotency)
    redis.call('ZREM', PREFIX .. 'idempotent:' .. string.match(name, '^[^:]+'), name)
  end
end
return answer
