-- ARGV: ids whose message could not be published. They wait in the store again.
also_when_full()
for _, id in ipairs(ARGV) do
  local status, lane = unpack(read(id, 'status', 'lane'))
  if status == 'queued' and redis.call('ZREM', PREFIX .. 'dispatched:' .. lane, id) == 1 then
    wait_in_lane(id)
  end
end
