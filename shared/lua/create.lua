-- ARGV: one JSON object a job: {id, owner, lane, max_attempts, request, start_within_ms?, ...}.
local now = now_ms()
for _, text in ipairs(ARGV) do
  local job = cjson.decode(text)
  local fields = { 'status', 'queued', 'seq', 1, 'attempt', 0, 'created_ms', now, 'queued_ms', now }
  local start_within_ms = job.start_within_ms
  job.start_within_ms = nil
  local id = job.id
  job.id = nil
  for name, value in pairs(job) do
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  if start_within_ms then
    redis.call('ZADD', PREFIX .. 'deadlines', now + start_within_ms, id)
    fields[#fields + 1] = 'expires_ms'
    fields[#fields + 1] = now + start_within_ms
  end
  redis.call('HSET', job_key(id), unpack(fields))
  redis.call('ZADD', PREFIX .. 'jobs:' .. job.owner, 0, id)
  redis.call('HINCRBY', PREFIX .. 'counts:' .. job.owner, 'queued', 1)
  wait_in_lane(id)
end
return now
