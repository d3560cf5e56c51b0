"""A random forest as a learner: its trees grown from counts, from public splits, or on one client's items."""
