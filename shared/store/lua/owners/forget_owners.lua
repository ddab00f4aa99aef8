-- Forgets owners that have no job, batch or delivery.
-- ARGV: owners.
-- Returns nothing.
--- include keys, when_full
also_when_full()
for _, owner in ipairs(ARGV) do
  local lists = { jobs_key(owner), batches_key(owner), deliveries_key(owner) }
  if redis.call('EXISTS', unpack(lists)) == 0 then
    redis.call('SREM', owners_key(), owner)
  end
end
