"""Calculations: the next lane, the time at which a job ends, the number of workers."""
