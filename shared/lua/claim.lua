-- ARGV: id, token, lease_ms, process ('': one with no other job), alone ('1': it holds no other job until this one
-- has ended), level (of what the caller understands). Answers {the record if the job is now this caller's, 'alone' if
-- it must run alone, 'too new' if it needs a higher level, else false; what was put right first, as `tell` has it}, or
-- nothing. The same token again is the same claim: its first answer was lost. A job that is too new is parked until a
-- worker that understands it is there, and no message goes round meanwhile; one of a paused lane goes back to where it
-- waited.
also_when_full()
local id, token, lease_ms, process, alone, level = unpack(ARGV)
local now = now_ms()

-- With the origin, which jobs of a batch have in common.
local function record()
  local fields = redis.call('HGETALL', job_key(id))
  fields[#fields + 1] = 'origin'
  fields[#fields + 1] = origin_of(id)
  return { fields, told }
end

local status, expires, started, holder = unpack(read(id, 'status', 'expires_ms', 'started_ms', 'token'))
if holder == token then
  return record()
end
if status == 'running' or status == 'canceling' then
  local lease_end = redis.call('ZSCORE', PREFIX .. 'leases', id)
  if lease_end and tonumber(lease_end) > now then
    return nil
  end
  abandon(id)
  status = read(id, 'status')[1]
end
if status ~= 'queued' then
  return { false, told }
end
if expires and tonumber(expires) <= now and not started then
  tell(id, 'expired')
  finish(id, 'expired')
  return { false, told }
end
local batch, lane, suspect, needs = unpack(read(id, 'batch_id', 'lane', 'suspect', 'needs'))
if batch and redis.call('HGET', batch_key(batch), 'cancel_ms') then
  tell(id, 'canceled')
  finish(id, 'canceled')
  return { false, told }
end
if is_paused(lane) then
  wait_again(id)
  return { false, told }
end
if needs and tonumber(needs) > tonumber(level) then
  if redis.call('ZREM', PREFIX .. 'dispatched:' .. lane, id) == 1 then -- else it waits, and a message was one too many
    redis.call('ZADD', PREFIX .. 'parked:' .. lane, needs, id)
    tell(id, 'parked')
  end
  return { 'too new', told }
end
if suspect and alone ~= '1' then
  return { 'alone', told }
end
local sent = redis.call('ZSCORE', PREFIX .. 'dispatched:' .. lane, id)
if sent then
  redis.call('ZADD', PREFIX .. 'taken', 'GT', sent, lane)
end
take_out(id)
redis.call('HINCRBY', job_key(id), 'attempt', 1)
transition(id, 'running', { 'token', token, 'started_ms', now })
if process ~= '' then
  redis.call('HSET', job_key(id), 'process', process)
  redis.call('SADD', PREFIX .. 'held:' .. process, id)
end
redis.call('ZADD', PREFIX .. 'leases', now + tonumber(lease_ms), id)
return record()
