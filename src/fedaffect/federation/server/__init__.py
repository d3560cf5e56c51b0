"""What runs at the coordinator: no corpus, no learner, no client's code."""
