-- ARGV: batch, owner, cursor ('' begins), number, then statuses. Queues the batch's jobs with these statuses again,
-- some at a time. Answers {number queued, next cursor or ''}; nothing if this owner has no such batch; {-1, ''} if it
-- is being read or canceled.
local batch, owner, cursor, number = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local status, holder, canceled = unpack(redis.call('HMGET', batch_key(batch), 'status', 'owner', 'cancel_ms'))
if holder ~= owner then
  return nil
end
if status == 'validating' or status == 'failed' or (status == 'running' and canceled) then
  return { -1, '' }
end
local wanted = {}
for i = 5, #ARGV do
  wanted[ARGV[i]] = true
end
local ids, queued = jobs_of_batch(batch, cursor, number), 0
for _, id in ipairs(ids) do
  if wanted[read(id, 'status')[1]] and try_again(id) then
    queued = queued + 1
  end
end
return { queued, #ids == number and ids[#ids] or '' }
