-- Queues a batch's jobs of some statuses again in steps.
-- ARGV: batch, owner, cursor ('' begins), number, permanent ('1': also jobs that a new attempt cannot help), then the
-- statuses.
-- Returns {number of jobs queued, next cursor or ''}; {-1, ''} if the batch is being read or canceled; nothing if
-- this owner has no such batch.
--- include keys, basics, retries, batch_lines
local batch, owner, cursor, number, permanent = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1'
local status, holder, canceled = unpack(redis.call('HMGET', batch_key(batch), 'status', 'owner', 'cancel_ms'))
if holder ~= owner then
  return nil
end
if status == 'validating' or status == 'failed' or (status == 'running' and canceled) then
  return { -1, '' }
end
local wanted = {}
for i = 6, #ARGV do
  wanted[ARGV[i]] = true
end
local function may_help(failure)
  return permanent or not failure or cjson.decode(failure).retryable ~= false
end
local ids, queued = jobs_of_batch(batch, cursor, number), 0
for _, id in ipairs(ids) do
  local job_status, failure = unpack(read(id, 'status', 'error'))
  if wanted[job_status] and may_help(failure) and retry_job(id) then
    queued = queued + 1
  end
end
return { queued, #ids == number and ids[#ids] or '' }
