"""The pictures of comparisons, ablations and tables."""
