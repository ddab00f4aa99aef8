-- Costs that show only after a job has started, charged to its owner's start tag (turns.lua).
--- include keys, basics, waiting, MS_OF_ONE

-- Charges an owner for the time in which the owner's job held a slot without using the device, as far as that cost
-- more than was expected of the job. An owner without waiting jobs owes it until the other owners have had as much.
local function charge_slot(id, cost)
  local owner, lane = unpack(read(id, 'owner', 'lane'))
  local more = math.floor(tonumber(cost) or 0) - cost_of(id)
  if more > 0 then
    enter_rotation(lane, owner)
    redis.call('ZINCRBY', turns_key(lane), more, owner)
  end
end

-- Charges an owner for the time until the lease of the job's lost worker ended.
local function charge_lease(id)
  local lease_end, started = redis.call('ZSCORE', leases_key(), id), read(id, 'started_ms')[1]
  if lease_end and started then
    charge_slot(id, (lease_end - started) / MS_OF_ONE)
  end
end
