"""The client's half of each stage of `federation.stages`."""
