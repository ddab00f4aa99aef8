-- ARGV: id of a worker process that has ended.
--- include when_full, workers
also_when_full()
forget_worker(ARGV[1])
