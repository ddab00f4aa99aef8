"""Which lane is next, when a job will end, how many workers are needed: calculations only."""
