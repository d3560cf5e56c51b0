"""A run's folder, read and nothing else."""
