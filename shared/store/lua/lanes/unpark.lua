-- ARGV: lane, level, most. A worker that understands this level serves the lane: up to `most` of the parked jobs that
-- need no higher one wait in the lane again.
--- include keys, when_full, waiting
also_when_full()
local lane, level, most = unpack(ARGV)
local parked = PREFIX .. 'parked:' .. lane
for _, id in ipairs(redis.call('ZRANGEBYSCORE', parked, '-inf', level, 'LIMIT', 0, most)) do
  redis.call('ZREM', parked, id)
  wait_in_lane(id)
end
