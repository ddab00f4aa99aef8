--- include keys, basics, stored, waiting, deliveries, requests, uploads, orphans, places, tags, transitions

-- A job that named an upload is gone. The last one takes it along, unless it was announced lately; if the owner asked
-- for it (`asked`), unless it was announced after that job was created, or just now: see `take_doomed`.
local function release_upload(upload, asked, created_ms)
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

-- A job is removed: its pictures with it, its place is free again, and what only it named goes. Answers the keys of
-- pictures that there may be.
local function release_objects(id, asked)
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
    note_orphan(key)
  end
  if counted == count_generation() then
    redis.call('DECR', PREFIX .. 'counted')
    for _, upload in ipairs(uploads_of(owner, request)) do
      release_upload(upload, asked, created)
    end
  end
  return keys
end

-- Removes the record of a job that no worker holds; `asked`: its owner wants it to. Answers as `let_objects_go`.
local function remove_job(id, asked)
  local status, owner, lane, batch, stored, bytes =
    unpack(read(id, 'status', 'owner', 'lane', 'batch_id', 'stored', 'bytes'))
  local keys = release_objects(id, asked)
  leave_tags(owner, id)
  if stored then
    add_stored(owner, -stored)
  end
  add_record_bytes(owner, bytes and -bytes)
  leave_queue(id)
  redis.call('ZREM', PREFIX .. 'jobs:' .. owner, id)
  redis.call('ZREM', PREFIX .. 'dead:' .. owner, id)
  redis.call('ZREM', PREFIX .. 'ended', id)
  redis.call('DEL', job_key(id))
  remove_deliveries(id)
  redis.call('PUBLISH', PREFIX .. 'changed:' .. id, 0)
  count_jobs(owner, lane, batch, status, nil, 1)
  return keys
end
