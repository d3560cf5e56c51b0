"""Recordings → features, a folder a stream; nobody's samples leave here."""
