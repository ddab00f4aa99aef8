-- Jobs whose worker fell silent.
--- include keys, basics, waiting, charges, recovery_log, transitions, endings

-- Returns whether the silent worker held other jobs beside this one. Marks the others as having had company too: when
-- their turn comes, this job is no longer listed as held.
local function had_company(id)
  local process, company = unpack(read(id, 'process', 'shared'))
  for _, other in ipairs(process and redis.call('SMEMBERS', held_key(process)) or {}) do
    if other ~= id then
      redis.call('HSET', job_key(other), 'shared', 1)
      company = true
    end
  end
  return company
end

-- Takes a held job from a silent worker: it is queued again, or ends. The job may have silenced the worker, so from
-- now on it runs alone. An attempt counts only if the job ran alone.
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
