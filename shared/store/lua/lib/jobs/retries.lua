-- Jobs that ended and are queued again.
--- include keys, basics, waiting, transitions, LEGAL, FINAL

local MOST_RETRIES = 20 -- of a batch's job: each of its ends stays in the batch's list of ends

-- Queues a job that ended without a picture again, with all its attempts. Returns false if its status forbids
-- it, if it is being removed, if its batch is being canceled, or if it is a batch's job with no retries left.
local function retry_job(id)
  local status, batch, retired, retries = unpack(read(id, 'status', 'batch_id', 'retired', 'retries'))
  if batch then
    if tonumber(retries or 0) >= MOST_RETRIES then
      return false
    end
    local batch_status, canceled
    batch_status, canceled, retired = unpack(redis.call('HMGET', batch_key(batch), 'status', 'cancel_ms', 'retired'))
    if batch_status == 'running' and canceled then
      return false
    end
  end
  if retired or not FINAL[status] or not LEGAL[status].queued then
    return false
  end
  if not transition(id, 'queued', { 'attempt', 0, 'queued_ms', now_ms() }) then
    return false
  end
  redis.call('HDEL', job_key(id), 'error', 'started_ms', 'finished_ms', 'expires_ms')
  if batch then
    redis.call('HINCRBY', job_key(id), 'retries', 1)
  end
  wait_in_lane(id)
  return true
end
