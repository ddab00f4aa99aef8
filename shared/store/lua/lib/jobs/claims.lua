-- Who holds a job.
--- include basics

-- Returns the status of a job if `token` is that of its claim, else nothing.
local function status_for(id, token)
  local status, holder = unpack(read(id, 'status', 'token'))
  return holder == token and status or nil
end
