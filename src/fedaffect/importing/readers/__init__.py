"""One format a file, with the one class that reads it; a new format is a new file."""
