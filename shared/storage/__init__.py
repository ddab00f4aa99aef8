"""Objects in S3-compatible storage. botocore is imported nowhere else."""
