"""Readers of corpora and recordings, a file a format."""
