"""`stylequeue simulate`: a simulation of a fleet of workers and a stream of jobs. It needs no server."""
