-- Put in front of the scripts that change something: which objects in the bucket are still wanted.
--
-- An upload is kept while a job names it, and for a time after it was announced. What nothing wants any more is noted
-- in the same step in which that comes to be, so that no object is left that nobody knows of; workers remove it then.
-- While one of them does (`removing`), nothing may come to want it: S3 and Redis do not change in one step.
--- include keys

local HEX_DIGITS_OF_DIGEST = 64

-- Jobs by lane and status, all of them together.
local function jobs_in_all()
  local total = 0
  for _, number in ipairs(redis.call('HVALS', PREFIX .. 'load')) do
    total = total + number
  end
  return total
end

local function count_generation()
  return redis.call('GET', PREFIX .. 'generation') or '1'
end

-- Whether the uploads of all jobs are counted. Those of versions that did not count are not, until `count_uploads`.
local function all_are_counted()
  return tonumber(redis.call('GET', PREFIX .. 'counted') or 0) == jobs_in_all()
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
