-- Creates the record of a batch that the caller is going to read.
-- ARGV: id, owner, metadata (JSON or ''), lease_ms, idempotency name or '', digest, seconds to remember the name,
-- origin or '', webhook (JSON) or '', quotas (JSON), bytes of the record, id of the API key or ''.
-- Returns {'begun'}; {'before', id} if the same request made this batch before; {'busy'} if another process is
-- reading the same request; {'reused'} if the name came with another request; {'quota', kind} if the owner would
-- exceed this quota (quotas.lua).
--- include keys, basics, quotas, stored, idempotency, interruption
local id, owner, metadata, lease_ms, name, digest, seconds, origin, webhook, quotas, bytes, key_id = unpack(ARGV)
local key = idempotency_key(name)
local now = now_ms()
if name ~= '' then
  local before = redis.call('GET', key)
  local first_digest, first = string.match(before or '', '^(%S+) (%S+)$')
  if first and first ~= id then
    if first_digest ~= digest then
      return { 'reused' }
    end
    local status = redis.call('HGET', batch_key(first), 'status')
    if status == 'validating' then
      local lease_end = redis.call('ZSCORE', validating_key(), first)
      if lease_end and tonumber(lease_end) > now then
        return { 'busy' }
      end
      interrupt_batch(first)
    elseif status ~= 'failed' then
      return { 'before', first }
    end
  end
end
local fresh = redis.call('EXISTS', batch_key(id)) == 0
local more = {
  records = 1, stored = 1, record_bytes = bytes,
  keys = name ~= '' and 1 or nil, deliveries = webhook ~= '' and 1 or nil,
}
local kind = fresh and exceeded(owner, cjson.decode(quotas), more)
if kind then
  return { 'quota', kind }
end
if name ~= '' then
  redis.call('SET', key, digest .. ' ' .. id, 'EX', seconds)
  remember_key(owner, name, seconds)
end
if fresh then
  redis.call('HSET', batch_key(id), 'status', 'validating', 'owner', owner, 'seq', 1, 'created_ms', now, 'bytes', bytes)
  add_record_bytes(owner, bytes)
  if metadata ~= '' then
    redis.call('HSET', batch_key(id), 'metadata', metadata)
  end
  if name ~= '' then
    redis.call('HSET', batch_key(id), 'idempotency', name)
  end
  if origin ~= '' then
    redis.call('HSET', batch_key(id), 'origin', origin)
  end
  if key_id ~= '' then
    redis.call('HSET', batch_key(id), 'key_id', key_id)
  end
  if webhook ~= '' then
    redis.call('HSET', batch_key(id), 'webhook', webhook)
  end
  redis.call('ZADD', batches_key(owner), 0, id)
  redis.call('SADD', owners_key(), owner)
  redis.call('ZADD', validating_key(), now + lease_ms, id)
end
return { 'begun' }
