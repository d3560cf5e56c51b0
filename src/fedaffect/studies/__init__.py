"""What compares several runs."""
