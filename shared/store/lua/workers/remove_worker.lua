-- Forgets a worker process that has ended.
-- ARGV: id.
-- Returns nothing.
--- include when_full, workers
also_when_full()
forget_worker(ARGV[1])
