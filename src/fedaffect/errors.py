"""The one exception a user is meant to read."""


class UserError(Exception):
    """Something the user gave cannot be used: one line that names file, field and cure.

    The command line prints it and exits with code 2; nothing has been written.
    """
