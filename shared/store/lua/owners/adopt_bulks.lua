-- Gives an owner's bulk actions on its own jobs to another owner, and leases them, so that none goes on before its jobs
-- are given too.
-- ARGV: from, to, token, lease_ms.
-- Returns the ids of the actions. Each begins to look at its jobs anew, and is for the adopted ones alone.
--- include keys, basics
local from, to, token, lease_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local given = {}
for _, id in ipairs(redis.call('ZRANGE', bulks_key(from), 0, -1)) do
  local key = bulk_key(id)
  local of, status, start = unpack(redis.call('HMGET', key, 'of', 'status', 'start'))
  if of == from then
    redis.call(
      'HSET', key, 'owner', to, 'of', to, 'adopted_from', from, 'cursor', start or '', 'token', token,
      'lease_until', now_ms() + lease_ms
    )
    if status == 'counting' then
      redis.call('HSET', key, 'matched', 0)
    end
    redis.call('ZREM', bulks_key(from), id)
    redis.call('ZADD', bulks_key(to), 0, id)
    given[#given + 1] = id
  end
end
return given
