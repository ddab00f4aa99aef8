-- Places that clients chose for pictures: no two jobs have the same.
--- include keys, basics, OBJECT_KEYS

-- Returns the place that a job's client chose: a key in the service's bucket, or s3://bucket/key. Else nothing.
local function chosen_place(owner, request)
  local output = type(request.output) == 'table' and request.output or {}
  if type(output.key) ~= 'string' then
    return nil
  end
  if type(output.bucket) == 'string' then
    return place_elsewhere(output.bucket, output.key)
  end
  return chosen_key(owner, output.key)
end

-- Returns whether a job ended without a picture and cannot have begun to write one: it never started, or its first
-- attempt failed for a permanent reason, which shows before the picture is written.
local function gave_up_its_place(id)
  local status, seq, attempt, failure = unpack(read(id, 'status', 'seq', 'attempt', 'error'))
  if status == 'canceled' or status == 'expired' then
    return tonumber(seq) <= 2
  end
  return status == 'failed' and tonumber(attempt) == 1 and cjson.decode(failure).retryable == false
end

-- Returns the job that has a place, 'removing' while an orphaned picture lies there, or nothing if the place is free.
local function holder_of(place)
  local id = redis.call('HGET', places_key(), place)
  if id and redis.call('EXISTS', job_key(id)) == 1 and not gave_up_its_place(id) then
    return id
  end
  if redis.call('ZSCORE', doomed_key(), place) or redis.call('ZSCORE', removing_key(), place) then
    return 'removing'
  end
end
