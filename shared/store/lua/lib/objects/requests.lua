-- The request of a job, as it is stored.

-- Decodes a request. A damaged one is empty: such a job, too, can be removed.
local function request_of(text)
  local readable, request = pcall(cjson.decode, text)
  return readable and type(request) == 'table' and request or {}
end
