"""From an experiment to its folder: one run (`execute`), many at once (`pool`), kept by content (`cache`)."""
