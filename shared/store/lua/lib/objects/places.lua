--- include keys, basics

-- Where a job's picture is to lie, if its client chose the place: a key in the service's bucket, or s3://bucket/key.
local function chosen_place(owner, request)
  local output = type(request.output) == 'table' and request.output or {}
  if type(output.key) ~= 'string' then
    return nil
  end
  if type(output.bucket) == 'string' then
    return 's3://' .. output.bucket .. '/' .. output.key
  end
  return 'results/' .. owner .. '/' .. output.key
end

-- Whether a job ended without a picture and cannot have begun to write one: it never started, or failed at its first
-- attempt for a reason that lies before that.
local function gave_up_its_place(id)
  local status, seq, attempt, failure = unpack(read(id, 'status', 'seq', 'attempt', 'error'))
  if status == 'canceled' or status == 'expired' then
    return tonumber(seq) <= 2
  end
  return status == 'failed' and tonumber(attempt) == 1 and cjson.decode(failure).retryable == false
end

-- The job that a place belongs to; 'removing' while a picture that nobody wants lies there; nothing if it is free.
local function holder_of(place)
  local id = redis.call('HGET', PREFIX .. 'places', place)
  if id and redis.call('EXISTS', job_key(id)) == 1 and not gave_up_its_place(id) then
    return id
  end
  if redis.call('ZSCORE', PREFIX .. 'doomed', place) or redis.call('ZSCORE', PREFIX .. 'removing', place) then
    return 'removing'
  end
end
