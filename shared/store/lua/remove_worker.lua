-- ARGV: id of a worker process that has ended.
also_when_full()
remove_worker(ARGV[1])
