-- ARGV: idempotency name or '', digest, seconds to remember it; then one JSON object a job: {id, owner, lane,
-- max_attempts, request, start_within_ms?, ...}. Where a name is given there is one job: if the name was used
-- before, nothing is created and 'digest id' of that time is answered.
local now = now_ms()
local name = ARGV[1] ~= '' and PREFIX .. 'idempotency:' .. ARGV[1]
local before = name and redis.call('GET', name)
if before then
  return before
end

local function create(job)
  local id, start_within_ms = job.id, job.start_within_ms
  job.id, job.start_within_ms = nil, nil
  if redis.call('EXISTS', job_key(id)) == 1 then
    return -- sent twice, because the first answer was lost
  end
  local fields = { 'status', 'queued', 'seq', 1, 'attempt', 0, 'created_ms', now, 'queued_ms', now }
  for field, value in pairs(job) do
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
  if start_within_ms then
    redis.call('ZADD', PREFIX .. 'deadlines', now + start_within_ms, id)
    fields[#fields + 1] = 'expires_ms'
    fields[#fields + 1] = now + start_within_ms
  end
  if name then
    redis.call('SET', name, ARGV[2] .. ' ' .. id, 'EX', ARGV[3])
  end
  redis.call('HSET', job_key(id), unpack(fields))
  redis.call('ZADD', PREFIX .. 'jobs:' .. job.owner, 0, id)
  redis.call('HINCRBY', PREFIX .. 'counts:' .. job.owner, 'queued', 1)
  wait_in_lane(id)
end

for i = 4, #ARGV do
  create(cjson.decode(ARGV[i]))
end
