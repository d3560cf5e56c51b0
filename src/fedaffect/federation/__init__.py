"""Federated learning: what crosses a client's boundary, algorithms, engines, and the only round loop."""
