"""The record: everything that a person looks at, read from a run's folder and nowhere else."""
