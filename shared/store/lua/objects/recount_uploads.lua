-- No argument. The counts of uploads are wrong, as an older version left them by removing jobs: all begin anew. Does
-- nothing if they are right.
--- include keys, when_full, uploads
also_when_full()
if not all_are_counted() then
  redis.call('SET', PREFIX .. 'generation', count_generation() + 1)
  redis.call('DEL', PREFIX .. 'named', PREFIX .. 'counted')
end
