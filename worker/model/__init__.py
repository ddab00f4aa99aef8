"""The models that paint. TensorFlow is imported nowhere else."""

import os

# TensorFlow reads these when it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # fewer lines on standard error
os.environ.setdefault(
    "TF_USE_LEGACY_KERAS", "1"
)  # saves the import of Keras 3; tensorflow_hub imports Keras 2 anyway
