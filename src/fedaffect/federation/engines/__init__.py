"""Engines: where client work runs."""
