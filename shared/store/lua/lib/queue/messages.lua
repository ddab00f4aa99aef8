--- include keys, basics, waiting, recovery_log

-- A job whose message is of no use waits in the store again, in its old place.
local function wait_again(id)
  local status, lane = unpack(read(id, 'status', 'lane'))
  if status == 'queued' and redis.call('ZREM', PREFIX .. 'dispatched:' .. lane, id) == 1 then
    log_recovery_action(id, 'put-back')
    wait_in_lane(id)
  end
end

-- Sets a job aside until a worker is there that understands it.
local function park_job(id, lane, needs)
  redis.call('ZADD', PREFIX .. 'parked:' .. lane, needs, id)
  log_recovery_action(id, 'parked')
end

-- A message of the lane has arrived that was sent at `sent`, if that is known: those sent before it were overtaken.
local function note_arrival(lane, sent)
  if sent then
    redis.call('ZADD', PREFIX .. 'taken', 'GT', sent, lane)
  end
end
