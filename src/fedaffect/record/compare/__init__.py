"""Runs side by side: what differs (`sides`, `comparison`), what to beware of (`beware`), how it is shown."""
