-- Counts the uploads of jobs whose uploads are not counted yet, because an older version created the jobs.
-- ARGV: ids of jobs.
-- Returns how many jobs were counted.
--- include keys, basics, when_full, requests, uploads
also_when_full()
local counted = 0
for _, id in ipairs(ARGV) do
  local request, of = unpack(read(id, 'request', 'counted'))
  if request and of ~= generation_of_counts() then
    redis.call('HSET', job_key(id), 'counted', generation_of_counts())
    redis.call('INCR', counted_key())
    for _, upload in ipairs(uploads_of(folder_of(job_key(id)), request_of(request))) do
      redis.call('HINCRBY', named_key(), upload, 1)
    end
    counted = counted + 1
  end
end
return counted
