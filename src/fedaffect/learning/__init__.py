"""A client's learning: learners, initial and saved models, metrics."""
