"""Studies: one folder a study, each run from the repository's root with `python -m research.STUDY.MODULE`."""
