"""Files to pictures and back. A hostile file meets a decoder process and nothing else."""
