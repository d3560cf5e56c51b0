"""Ablations: from a file that names changes (`plan`) to what each was worth (`rows`, `pages`)."""
