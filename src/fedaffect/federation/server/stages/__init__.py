"""The server's half of each stage of `federation.stages`."""
