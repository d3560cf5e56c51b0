"""Runs side by side: what differs, what must not be compared (`cautions`), and how it is shown."""
