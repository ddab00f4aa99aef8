-- Gives back the lease on a bulk action.
-- ARGV: id, token.
-- Returns nothing.
--- include keys, when_full
also_when_full()
local id, token = ARGV[1], ARGV[2]
if redis.call('HGET', bulk_key(id), 'token') == token then
  redis.call('HDEL', bulk_key(id), 'token', 'lease_until')
end
