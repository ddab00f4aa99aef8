"""What a fleet of workers would do with a stream of jobs: `stylequeue simulate`. Needs no server."""
