"""What runs where the recordings are."""
