-- Put in front of the scripts that change something: which objects in the bucket are still wanted.
--
-- An upload is kept while a job names it, and for a time after it was announced. What nothing wants any more is noted
-- in the same step in which that comes to be, so that no object is left that nobody knows of; workers remove it then.
-- While one of them does (`removing`), nothing may come to want it: S3 and Redis do not change in one step.

local HEX_DIGITS_OF_DIGEST = 64

-- Jobs by lane and status, all of them together.
local function jobs_in_all()
  local total = 0
  for _, number in ipairs(redis.call('HVALS', PREFIX .. 'load')) do
    total = total + number
  end
  return total
end

local function generation()
  return redis.call('GET', PREFIX .. 'generation') or '1'
end

-- Whether the uploads of all jobs are counted. Those of versions that did not count are not, until `count_uploads`.
local function all_are_counted()
  return tonumber(redis.call('GET', PREFIX .. 'counted') or 0) == jobs_in_all()
end

-- What a job asks for; nothing at all if its record is damaged, which must not keep it from being removed.
local function request_of(text)
  local readable, request = pcall(cjson.decode, text)
  return readable and type(request) == 'table' and request or {}
end

-- The upload that a source names, as <owner>/<digest>; nothing if it is another source.
local function upload_of(owner, source)
  if source.upload_id then
    return owner .. '/' .. source.upload_id
  end
  local holder, digest = string.match(source.url or '', '^s3://[^/]+/uploads/([^/]+)/([0-9a-f]+)$')
  if holder == owner and #digest == HEX_DIGITS_OF_DIGEST then
    return owner .. '/' .. digest
  end
end

-- The uploads that a job names, each as often as it does. shared/policy/inputs.py says the same when the job is created.
local function uploads_of(owner, request)
  local sources = { request.content, request.style }
  for _, style in ipairs(type(request.styles) == 'table' and request.styles or {}) do
    sources[#sources + 1] = style
  end
  local uploads = {}
  for _, source in pairs(sources) do
    uploads[#uploads + 1] = type(source) == 'table' and upload_of(owner, source) or nil
  end
  return uploads
end

-- What an owner's objects take: its results as they were written, and its uploads as they were announced. Nothing is
-- known of those of a time before bytes were counted.
local function add_stored(owner, bytes)
  if redis.call('HINCRBY', PREFIX .. 'stored', owner, bytes) == 0 then
    redis.call('HDEL', PREFIX .. 'stored', owner)
  end
end

-- An upload is being removed.
local function forget_upload(upload)
  local owner = string.match(upload, '^[^/]+')
  local bytes = redis.call('HGET', PREFIX .. 'upload_bytes', upload)
  redis.call('ZREM', PREFIX .. 'announced:' .. owner, upload)
  if bytes then
    redis.call('HDEL', PREFIX .. 'upload_bytes', upload)
    add_stored(owner, -bytes)
  end
end

local function doom(key)
  redis.call('ZADD', PREFIX .. 'doomed', 'NX', now_ms(), key)
end

-- An object with a batch's results.
local function batch_object(owner, batch, name)
  return 'results/' .. owner .. '/' .. batch .. '/' .. name .. '.ndjson'
end

-- A job that named an upload is gone. The last one takes it along, unless it was announced lately; if the owner asked
-- for it (`asked`), unless it was announced after that job was created, or just now: see `take_doomed`.
local function unname_upload(upload, asked, created_ms)
  if redis.call('HINCRBY', PREFIX .. 'named', upload, -1) > 0 then
    return
  end
  redis.call('HDEL', PREFIX .. 'named', upload)
  local announced = tonumber(redis.call('ZSCORE', PREFIX .. 'uploads', upload))
  if not announced then
    redis.call('ZADD', PREFIX .. 'uploads', 0, upload)
  elseif asked and announced > 0 and announced <= tonumber(created_ms) then
    redis.call('ZADD', PREFIX .. 'uploads', -announced, upload)
  end
end

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

-- The key in the service's bucket where a job's picture lies, or may lie if a worker began to write it.
local function picture_of(id, owner, request, result, seq)
  if result then
    local written = cjson.decode(result)
    return type(written.bucket) ~= 'string' and written.key or nil
  end
  local output = type(request.output) == 'table' and request.output or {}
  if tonumber(seq) <= 2 or type(output.bucket) == 'string' then
    return nil -- it never started; or the picture is in a bucket that is the client's
  end
  local extension = (output.format or 'jpeg') == 'jpeg' and 'jpg' or output.format
  return chosen_place(owner, request) or 'results/' .. owner .. '/' .. id .. '.' .. extension
end

-- The picture so far of a job that minimizes, if it may have shown one: each attempt writes it anew.
local function doom_preview(id)
  local lane, started = unpack(read(id, 'lane', 'started_ms'))
  if lane == 'optimize' and started then
    doom('results/' .. folder_of(job_key(id)) .. '/' .. id .. '.preview.jpg')
  end
end

-- A job is removed: its pictures with it, its place is free again, and what only it named goes. Answers the keys of
-- pictures that there may be.
local function let_objects_go(id, asked)
  local text, result, seq, counted, created =
    unpack(read(id, 'request', 'result', 'seq', 'counted', 'created_ms'))
  local owner, request = folder_of(job_key(id)), request_of(text)
  local place, picture = chosen_place(owner, request), picture_of(id, owner, request, result, seq)
  if place and redis.call('HGET', PREFIX .. 'places', place) == id then
    redis.call('HDEL', PREFIX .. 'places', place)
  elseif place then
    picture = nil -- it had given the place up, and what lies there is another's
  end
  local keys = { picture }
  if type(request.params) == 'table' and request.params.method == 'optimize' and tonumber(seq) > 2 then
    keys[#keys + 1] = 'results/' .. owner .. '/' .. id .. '.preview.jpg'
  end
  for _, key in ipairs(keys) do
    doom(key)
  end
  if counted == generation() then
    redis.call('DECR', PREFIX .. 'counted')
    for _, upload in ipairs(uploads_of(owner, request)) do
      unname_upload(upload, asked, created)
    end
  end
  return keys
end
