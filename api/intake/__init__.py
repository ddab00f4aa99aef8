"""From a request's body to jobs that are accepted or refused."""
