-- A job's record is removed, and its objects with it.
--- include keys, basics, stored, waiting, deliveries, requests, uploads, orphans, tags, transitions
--- include OBJECT_KEYS, FINAL, THUMBNAIL_ABOVE

-- Decrements the reference count of an upload. lease_orphans.lua collects an upload without references some time
-- after it was announced. That time is short if the owner deleted the job (`asked`) and has not announced the upload
-- since the job was created.
local function release_upload(upload, asked, created_ms)
  if redis.call('HINCRBY', named_key(), upload, -1) > 0 then
    return
  end
  redis.call('HDEL', named_key(), upload)
  local announced = tonumber(redis.call('ZSCORE', uploads_key(), upload))
  if not announced then
    redis.call('ZADD', uploads_key(), 0, upload)
  elseif asked and announced > 0 and announced <= tonumber(created_ms) then
    redis.call('ZADD', uploads_key(), -announced, upload)
  end
end

-- Returns the key in the service's bucket under which a job's picture lies, or may lie because a worker began to
-- write it. `result` is nothing if the job has none.
local function picture_of(id, owner, request, result, seq)
  if result then
    return type(result.bucket) ~= 'string' and result.key or nil
  end
  local output = type(request.output) == 'table' and request.output or {}
  if tonumber(seq) <= 2 or type(output.bucket) == 'string' then
    return nil -- the job never started, or its picture is in the client's bucket
  end
  local extension = (output.format or 'jpeg') == 'jpeg' and 'jpg' or output.format
  return result_key(owner, id, extension)
end

-- Returns whether a job may have a thumbnail: `has_thumbnail` in shared/policy/object_keys.py.
local function may_have_thumbnail(result, seq)
  if result then
    return math.max(result.width, result.height) > THUMBNAIL_ABOVE
  end
  return tonumber(seq) > 2
end

-- Orphans the pictures of a job and releases its uploads; `asked`: its owner deletes it. Returns
-- the keys of the pictures that may exist.
local function release_objects(id, asked)
  local text, result, seq, counted, created =
    unpack(read(id, 'request', 'result', 'seq', 'counted', 'created_ms'))
  local owner, request = folder_of(job_key(id)), request_of(text)
  result = result and cjson.decode(result)
  local keys = { picture_of(id, owner, request, result, seq) }
  if may_have_thumbnail(result, seq) then
    keys[#keys + 1] = thumbnail_key(owner, id)
  end
  if type(request.params) == 'table' and request.params.method == 'optimize' and tonumber(seq) > 2 then
    keys[#keys + 1] = preview_key(owner, id)
  end
  for _, key in ipairs(keys) do
    note_orphan(key)
  end
  if counted == generation_of_counts() then
    redis.call('DECR', counted_key())
    for _, upload in ipairs(uploads_of(owner, request)) do
      release_upload(upload, asked, created)
    end
  end
  return keys
end

-- Removes the record of a job that no worker holds; `asked`: its owner deletes it. Returns the keys of its pictures.
local function remove_job(id, asked)
  local status, owner, lane, batch, stored, bytes =
    unpack(read(id, 'status', 'owner', 'lane', 'batch_id', 'stored', 'bytes'))
  local keys = release_objects(id, asked)
  leave_tags(owner, id)
  if stored then
    add_stored(owner, -stored)
  end
  add_record_bytes(owner, bytes and -bytes)
  if not FINAL[status] then -- else it left the queue when it ended
    leave_queue(id)
  end
  redis.call('ZREM', jobs_key(owner), id)
  redis.call('ZREM', dead_key(owner), id)
  redis.call('ZREM', ended_key(), id)
  redis.call('DEL', job_key(id))
  remove_deliveries(id)
  redis.call('PUBLISH', changed_channel(id), 0)
  count_jobs(owner, lane, batch, status, nil, 1)
  return keys
end
