-- Ends a held job.
-- ARGV: id, token, status, field ('result' or 'error'), value (JSON), slot_cost (charges.lua).
-- Returns the status with which the job ended; nothing if the caller does not hold the job any more.
-- A job whose cancellation was accepted ends as canceled, with whatever outcome the worker comes.
--- include keys, basics, when_full, stored, charges, orphans, claims, endings
also_when_full()
local id, token, to, field, value, slot_cost = unpack(ARGV)
local status = status_for(id, token)
if not status then
  local written = field == 'result' and not read(id, 'status')[1] and cjson.decode(value)
  if written and type(written.bucket) ~= 'string' then
    note_orphan(written.key) -- the job was removed meanwhile
  end
  return nil
end
charge_slot(id, slot_cost)
if status == 'canceling' then
  end_job(id, 'canceled')
  return 'canceled'
end
if not end_job(id, to, field, value) then
  return nil
end
local result = field == 'result' and cjson.decode(value) or {}
if result.bytes and type(result.bucket) ~= 'string' then
  redis.call('HSET', job_key(id), 'stored', result.bytes)
  add_stored(read(id, 'owner')[1], result.bytes)
end
redis.call('HDEL', job_key(id), 'suspect') -- the worker outlived it
return to
