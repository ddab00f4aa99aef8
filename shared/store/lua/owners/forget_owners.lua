-- ARGV: owners. Forgets those that have no job, batch and delivery.
--- include keys, when_full
also_when_full()
for _, owner in ipairs(ARGV) do
  local lists = { PREFIX .. 'jobs:' .. owner, PREFIX .. 'batches:' .. owner, PREFIX .. 'deliveries:' .. owner }
  if redis.call('EXISTS', unpack(lists)) == 0 then
    redis.call('SREM', PREFIX .. 'owners', owner)
  end
end
