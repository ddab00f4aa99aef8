-- Lets parked jobs wait in their lane again, because a worker that understands them serves it.
-- ARGV: lane, level (the record version that the worker understands), the most jobs to move.
-- Returns nothing.
--- include keys, when_full, waiting
also_when_full()
local lane, level, most = unpack(ARGV)
local parked = parked_key(lane)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', parked, '-inf', level, 'LIMIT', 0, most)) do
  redis.call('ZREM', parked, id)
  wait_in_lane(id)
end
