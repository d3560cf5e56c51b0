"""Random forests: trees with random splits and counted leaves, or grown on one client's items."""
