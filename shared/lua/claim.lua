-- ARGV: id, token, lease_ms. Answers the record if the job is now this caller's, else nothing. The same token
-- again is the same claim: its first answer was lost.
local id, token, lease_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = now_ms()
local status, expires, holder = unpack(read(id, 'status', 'expires_ms', 'token'))
if holder == token then
  return redis.call('HGETALL', job_key(id))
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
  return nil
end
if expires and tonumber(expires) <= now and redis.call('HGET', job_key(id), 'attempt') == '0' then
  finish(id, 'expired')
  return nil
end
local batch = read(id, 'batch_id')[1]
if batch and redis.call('HGET', batch_key(batch), 'cancel_ms') then
  finish(id, 'canceled')
  return nil
end
take_out(id)
redis.call('HINCRBY', job_key(id), 'attempt', 1)
transition(id, 'running', { 'token', token, 'started_ms', now })
redis.call('ZADD', PREFIX .. 'leases', now + lease_ms, id)
return redis.call('HGETALL', job_key(id))
