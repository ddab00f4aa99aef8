"""The page in a real Chromium, with a batch of 50,000 jobs."""
