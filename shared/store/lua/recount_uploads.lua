-- No argument. The counts of uploads are wrong, as an older version left them by removing jobs: all begin anew. Does
-- nothing if they are right.
also_when_full()
if not all_are_counted() then
  redis.call('SET', PREFIX .. 'generation', generation() + 1)
  redis.call('DEL', PREFIX .. 'named', PREFIX .. 'counted')
end
