-- ARGV: id, token, status, field, value, slot_cost (`charge_slot`). Answers the status that the job ended with; nothing
-- if the caller does not hold it any more. A job whose cancel was accepted ends as canceled, whatever came of it.
--- include keys, basics, when_full, stored, orphans, charges, claims, endings
also_when_full()
local id, token, to, field, value, slot_cost = unpack(ARGV)
local status = status_for(id, token)
if not status then
  local written = field == 'result' and not read(id, 'status')[1] and cjson.decode(value)
  if written and type(written.bucket) ~= 'string' and not redis.call('HGET', PREFIX .. 'places', written.key) then
    note_orphan(written.key) -- of a job that was removed meanwhile
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
