-- ARGV: ids of jobs. Counts the uploads of those that are not counted yet. Answers how many that were.
--- include keys, basics, when_full, requests, uploads
also_when_full()
local counted = 0
for _, id in ipairs(ARGV) do
  local request, of = unpack(read(id, 'request', 'counted'))
  if request and of ~= count_generation() then
    redis.call('HSET', job_key(id), 'counted', count_generation())
    redis.call('INCR', PREFIX .. 'counted')
    for _, upload in ipairs(uploads_of(folder_of(job_key(id)), request_of(request))) do
      redis.call('HINCRBY', PREFIX .. 'named', upload, 1)
    end
    counted = counted + 1
  end
end
return counted
