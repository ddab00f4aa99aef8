"""The models that paint. TensorFlow is imported nowhere else."""
