"""What a user is meant to read: the one exception, and notes."""

import warnings


class UserError(Exception):
    """Something the user gave cannot be used: one line that names file, field and cure.

    The command line prints it and exits with code 2; nothing has been written.
    """


class Note(UserWarning):
    """Something the user should know though nothing failed; the command line prints it as one line."""


def note(text: str) -> None:
    """Issue a `Note`."""
    warnings.warn(text, Note, stacklevel=2)


def refused(error: OSError) -> UserError:
    """What the system refused, as the line that a user reads."""
    where = f"{error.filename}: " if error.filename is not None else ""
    reason = error.strerror or error
    return UserError(f"{where}{reason}; see that it can be written, and that there is room")
