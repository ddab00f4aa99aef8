-- Jobs that messages name, and messages that arrive.
--- include keys, basics, waiting, recovery_log

-- Lets a job whose message is of no use wait in its lane again, in its old position.
local function return_to_lane(id)
  local status, lane = unpack(read(id, 'status', 'lane'))
  if status == 'queued' and redis.call('ZREM', dispatched_key(lane), id) == 1 then
    log_recovery_action(id, 'put-back')
    wait_in_lane(id)
  end
end

-- Parks a job until a worker that understands it is there.
local function park_job(id, lane, needs)
  redis.call('ZADD', parked_key(lane), needs, id)
  log_recovery_action(id, 'parked')
end

-- Notes that a message has arrived, and when it was sent (nothing if unknown): it has overtaken those sent before.
local function note_arrival(lane, sent)
  if sent then
    redis.call('ZADD', taken_key(), 'GT', sent, lane)
  end
end
