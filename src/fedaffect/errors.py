"""The one exception a user is meant to read."""


class UserError(Exception):
    """Something the user gave cannot be used: one line that names file, field and cure.

    The command line prints it and exits with code 2; nothing has been written.
    """


def refused(error: OSError) -> UserError:
    """What the system refused, as the line that a user reads."""
    where = f"{error.filename}: " if error.filename is not None else ""
    reason = error.strerror or error
    return UserError(f"{where}{reason}; see that it can be written, and that there is room")
