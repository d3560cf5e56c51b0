"""The command line: thin; whatever is heavy is imported inside the commands that need it."""
