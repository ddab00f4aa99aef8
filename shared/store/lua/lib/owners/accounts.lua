-- Accounts: what the jobs of each owner and API key took, by day (owners/accounts.py).
--- include keys, basics, counters, ACCOUNT_DAYS

local MS_OF_DAY = 86400000
local keys_of_batches = {} -- of the batches that this script has read
local noted_owners = {} -- whose last day this script has noted

local function today()
  return math.floor(now_ms() / MS_OF_DAY)
end

-- Returns the id of the key that submitted a job, from the field of its record, or else from that of its batch; ''
-- if none did, or if an older version accepted the job.
local function key_of_submission(own, batch)
  if own or not batch then
    return own or ''
  end
  keys_of_batches[batch] = keys_of_batches[batch] or redis.call('HGET', batch_key(batch), 'key_id') or ''
  return keys_of_batches[batch]
end

-- Adds to an owner's account of today, and to the totals if `in_all`.
local function account(owner, key, what, by, in_all)
  if by == 0 then
    return
  end
  add_to(account_key(owner, today()), key .. ':' .. what, by, (ACCOUNT_DAYS + 1) * MS_OF_DAY / 1000)
  if in_all then
    add_to(tallies_key(), 'used:' .. what, by)
  end
  if not noted_owners[owner] then
    noted_owners[owner] = true
    redis.call('ZADD', accounted_key(), today(), owner)
  end
end

-- Accounts for what an attempt took, in numbers by name, and adds its time and its input to the job's record.
local function account_attempt(id, took)
  local owner, own, batch, device_us, bytes_in =
    unpack(read(id, 'owner', 'key_id', 'batch_id', 'device_us', 'bytes_in'))
  local key = key_of_submission(own, batch)
  for what, number in pairs(took) do
    account(owner, key, what, number, true)
  end
  if took.device_us > 0 or took.bytes_in > 0 then
    write(id, 'device_us', (device_us or 0) + took.device_us, 'bytes_in', (bytes_in or 0) + took.bytes_in)
  end
end
