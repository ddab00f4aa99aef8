-- Answers how many things there are for any living worker to do besides jobs: batches with results to write, with jobs to
-- cancel or remove, or whose reader was lost; hosts to which a webhook is due.
--- read only
--- include keys, basics
local now = now_ms()
return redis.call('ZCARD', PREFIX .. 'finalizing')
  + redis.call('SCARD', PREFIX .. 'canceling')
  + redis.call('SCARD', PREFIX .. 'discarding')
  + redis.call('ZCOUNT', PREFIX .. 'validating', '-inf', now)
  + redis.call('ZCOUNT', PREFIX .. 'outboxes', '-inf', now)
