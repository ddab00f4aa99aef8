"""Calculations: the next lane, the time at which a job will end, the number of workers."""
