-- Reference counts of uploads: how often jobs name each.
--
-- An upload is kept while a job names it, and for a time after it was announced. The step that removes the last
-- reference also notes that, so no object is left that nobody knows of; workers remove it later. While a worker
-- removes an object (`removing`), no job may name it: S3 and Redis do not change in one step.
--- include keys

local HEX_DIGITS_OF_DIGEST = 64

local function jobs_in_all()
  local total = 0
  for _, number in ipairs(redis.call('HVALS', load_key())) do
    total = total + number
  end
  return total
end

local function generation_of_counts()
  return redis.call('GET', generation_key()) or '1'
end

-- Returns whether the uploads of all jobs are counted. Older versions did not count; count_uploads.lua does it later.
local function all_are_counted()
  return tonumber(redis.call('GET', counted_key()) or 0) == jobs_in_all()
end

-- Returns the upload that a source names, as <owner>/<digest>; nothing if it is another kind of source.
local function upload_of(owner, source)
  if source.upload_id then
    return owner .. '/' .. source.upload_id
  end
  local holder, digest = string.match(source.url or '', '^s3://[^/]+/uploads/([^/]+)/([0-9a-f]+)$')
  if holder == owner and #digest == HEX_DIGITS_OF_DIGEST then
    return owner .. '/' .. digest
  end
end

-- Returns the uploads that a job names, each as often as it does. The rule is `uploads_of` in
-- shared/policy/inputs.py. Records do not store the list, which would make them a third larger, so it is computed
-- here again.
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
