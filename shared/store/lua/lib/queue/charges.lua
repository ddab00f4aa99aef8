--- include keys, basics, waiting, MS_OF_ONE

-- Charges a job's owner with the time for which it held a slot without using the device, if that cost more than was
-- expected of the job. An owner of whom nothing waits owes it until those who wait have been given as much.
local function charge_slot(id, cost)
  local owner, lane = unpack(read(id, 'owner', 'lane'))
  local more = math.floor(tonumber(cost) or 0) - cost_of(id)
  if more > 0 then
    enter_rotation(lane, owner)
    redis.call('ZINCRBY', PREFIX .. 'turns:' .. lane, more, owner)
  end
end

-- Charges a job's owner with the time until the lease of its lost worker ended.
local function charge_lease(id)
  local lease_end, started = redis.call('ZSCORE', PREFIX .. 'leases', id), read(id, 'started_ms')[1]
  if lease_end and started then
    charge_slot(id, (lease_end - started) / MS_OF_ONE)
  end
end
