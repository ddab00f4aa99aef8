--- include basics

-- The status of a job, if `token` is the one of its claim; nothing if another worker or nobody holds it.
local function status_for(id, token)
  local status, holder = unpack(read(id, 'status', 'token'))
  return holder == token and status or nil
end
