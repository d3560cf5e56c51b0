"""One client's learning: objectives, the trainer, and the scores of what came out."""
