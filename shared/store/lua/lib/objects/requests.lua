

-- What a job asks for; nothing at all if its record is damaged, which must not keep it from being removed.
local function request_of(text)
  local readable, request = pcall(cjson.decode, text)
  return readable and type(request) == 'table' and request or {}
end
