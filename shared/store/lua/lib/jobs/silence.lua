--- include keys, basics, waiting, charges, recovery_log, transitions, endings

-- Whether a job whose worker fell silent had company there. Those with it hear of it, because they are judged when
-- it is gone.
local function had_company(id)
  local process, company = unpack(read(id, 'process', 'shared'))
  for _, other in ipairs(process and redis.call('SMEMBERS', PREFIX .. 'held:' .. process) or {}) do
    if other ~= id then
      redis.call('HSET', job_key(other), 'shared', 1)
      company = true
    end
  end
  return company
end

-- A held job whose worker fell silent: back to the queue, or to its end. It may be what silenced the worker, so from
-- now on it runs alone; if it did already, the attempt counts.
local function take_from_silent_worker(id)
  local status, attempt, max_attempts = unpack(read(id, 'status', 'attempt', 'max_attempts'))
  if status == 'canceling' then
    log_recovery_action(id, 'canceled')
    return end_job(id, 'canceled')
  end
  count_event('taken:' .. read(id, 'lane')[1])
  local company = had_company(id)
  redis.call('HSET', job_key(id), 'suspect', 1)
  if not company then
    charge_lease(id)
  end
  if company then
    redis.call('HINCRBY', job_key(id), 'attempt', -1)
  elseif tonumber(attempt) >= tonumber(max_attempts) then
    log_recovery_action(id, 'worker-lost')
    return end_job(id, 'failed', 'error', cjson.encode({
      code = 'worker-lost', stage = 'run', retryable = true, attempts = tonumber(attempt),
      detail = 'The worker stopped answering in each of ' .. attempt .. ' attempts, with no other job beside this one',
    }))
  end
  if requeue(id) then
    log_recovery_action(id, 'abandoned')
    wait_in_lane(id)
  end
end
