"""Files of strangers parsed within bounds, and what the readers of corpora have in common."""
