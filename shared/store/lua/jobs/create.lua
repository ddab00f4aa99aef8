-- Creates single jobs, or jobs of a batch that is being read.
-- ARGV: a JSON object {owner, most_of_owner, most_in_all, quotas; for single jobs also origin?, key_id?, and with
-- an idempotency key name, digest, seconds; for jobs of a batch also batch, lease_ms}; then for each job a JSON object
-- {id, lane, max_attempts, request, bytes (that the record takes beside this text), start_within_ms?, uploads?, ...}.
-- Returns {'created'}. If nothing was created: {'before', 'digest id'}: the name was used before; {'full', 'owner' or
-- 'all', the owner's limit}: too many jobs would wait; {'gone'}: the batch is not being read any more; {'removing',
-- upload}: a worker is removing this upload; {'quota', kind}: the owner would exceed this quota (quotas.lua).
--- include keys, basics, quotas, stored, waiting, uploads, tags, idempotency, transitions
--- include OBJECT_KEYS, LANES, USUAL_COST
local now = now_ms()
local options = cjson.decode(ARGV[1])
local owner, batch = options.owner, options.batch
local name = options.name and idempotency_key(options.name)
local before = name and redis.call('GET', name)
if before then
  return { 'before', before }
end
if batch then
  if redis.call('HGET', batch_key(batch), 'status') ~= 'validating' then
    return { 'gone' }
  end
  redis.call('ZADD', validating_key(), 'XX', now + options.lease_ms, batch)
end

local jobs, named = {}, {}
for i = 2, #ARGV do
  local job = cjson.decode(ARGV[i])
  if redis.call('EXISTS', job_key(job.id)) == 0 then -- else the first reply was lost
    job.bytes = job.bytes + #ARGV[i]
    jobs[#jobs + 1] = job
    for _, upload in ipairs(job.uploads or {}) do
      named[upload] = (named[upload] or 0) + 1
    end
  end
end
for upload in pairs(redis.call('EXISTS', removing_key()) == 1 and named or {}) do
  if redis.call('ZSCORE', removing_key(), key_of_upload(upload)) then
    return { 'removing', upload }
  end
end
local of_owner = (redis.call('HGET', counts_key(owner), 'queued') or 0) + #jobs
local most_of_owner = tonumber(redis.call('HGET', limits_key(), 'waiting:' .. owner) or options.most_of_owner)
if of_owner > most_of_owner then
  return { 'full', 'owner', most_of_owner }
end
local more = { records = #jobs, stored = 1, record_bytes = 0, keys = name and 1 }
for _, job in ipairs(jobs) do
  more.record_bytes = more.record_bytes + job.bytes
  more.deliveries = (more.deliveries or 0) + (job.webhook and 1 or 0)
end
local kind = exceeded(owner, options.quotas or {}, more)
if kind then
  return { 'quota', kind }
end
local in_all = #jobs
for _, lane in ipairs(LANES) do
  in_all = in_all + (redis.call('HGET', load_key(), lane .. ':queued') or 0)
end
if in_all > options.most_in_all then
  return { 'full', 'all' }
end

local created, bases, generation = {}, {}, generation_of_counts()
local function create(job)
  local id, start_within_ms = job.id, job.start_within_ms
  job.id, job.start_within_ms, job.uploads = nil, nil, nil
  local fields = {
    'status', 'queued', 'seq', 1, 'attempt', 0, 'created_ms', now, 'queued_ms', now, 'owner', owner,
    'counted', generation, 'indexed', 1,
  }
  for field, value in pairs(job) do
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
  for field, value in pairs({ batch_id = batch, origin = options.origin, key_id = options.key_id }) do
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
  if start_within_ms then
    redis.call('ZADD', deadlines_key(), now + start_within_ms, id)
    fields[#fields + 1] = 'expires_ms'
    fields[#fields + 1] = now + start_within_ms
  end
  if name then
    redis.call('SET', name, options.digest .. ' ' .. id, 'EX', options.seconds)
    remember_key(owner, options.name, options.seconds)
  end
  redis.call('HSET', job_key(id), unpack(fields))
  redis.call('ZADD', jobs_key(owner), 0, id)
  enter_tags(owner, id, job.tags)
  created[job.lane] = (created[job.lane] or 0) + 1
  if batch then -- workers may take it after commit_batch.lua
    local lane, cost = job.lane, job.cost or USUAL_COST
    bases[lane] = bases[lane] or base_of_line(lane, batch, cost)
    enter_line(lane, batch, id, 0, cost, bases[lane])
  else
    wait_in_lane(id)
  end
end

if #jobs > 0 then
  redis.call('SADD', owners_key(), owner)
end
for _, job in ipairs(jobs) do
  create(job)
end
for lane, number in pairs(created) do
  count_jobs(owner, lane, batch, nil, 'queued', number)
end
for upload, times in pairs(named) do
  redis.call('HINCRBY', named_key(), upload, times)
  redis.call('ZREM', announced_key(owner), upload)
end
redis.call('INCRBY', counted_key(), #jobs)
count_indexed(owner, #jobs)
add_record_bytes(owner, more.record_bytes)
return { 'created' }
