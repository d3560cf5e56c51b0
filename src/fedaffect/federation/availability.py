"""Which clients are online in which rounds, from a file: a trace of real devices, or an invented one.

A CSV of stretches of rounds, `client,first,last`, both ends included:

    client,first,last
    client-03,1,10
    client-03,15,20

A client that the file names is online in its stretches alone; one that it does not name always is.
"""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fedaffect.errors import UserError
from fedaffect.schema import Flags

COLUMNS = ["client", "first", "last"]
MAXIMUM_BYTES = 2**26


@dataclass(frozen=True)
class Trace:
    """Stretches of rounds by client.

    Attributes:
        stretches: by index of the client, (first, last) rounds.
        sha256: of the file, so that a resumed run finds the same.
    """

    clients: int
    stretches: dict[int, list[tuple[int, int]]]
    sha256: str

    @classmethod
    def read(cls, path: Path, names: list[str]) -> "Trace":
        """A trace for clients of these names.

        Raises:
            UserError: no such file, or a line that is not a client and two rounds.
        """
        if not path.is_file():
            raise UserError(f"{path}: no such file; clients.availability names it as a trace")
        if path.stat().st_size > MAXIMUM_BYTES:
            raise UserError(f"{path}: more than {MAXIMUM_BYTES} bytes; is this a trace?")
        content = path.read_bytes()
        try:
            lines = list(csv.reader(content.decode("utf-8-sig").splitlines()))
        except (UnicodeDecodeError, csv.Error) as error:
            raise UserError(f"{path}: not readable as CSV in UTF-8: {error}") from None
        if not lines or lines[0] != COLUMNS:
            raise UserError(f"{path}: line 1: the columns must be `{','.join(COLUMNS)}`")
        index = {name: i for i, name in enumerate(names)}
        stretches: dict[int, list[tuple[int, int]]] = {}
        for number, line in enumerate(lines[1:], start=2):
            if not line:
                continue
            try:
                client, first, last = index[line[0]], int(line[1]), int(line[2])
                sound = len(line) == len(COLUMNS) and 1 <= first <= last
            except (KeyError, IndexError, ValueError):
                sound = False
            if not sound:
                raise UserError(
                    f"{path}: line {number}: `{','.join(line)}`: not one of this run's clients "
                    f"({names[0]}, ...) and two rounds, the first not after the last"
                )
            stretches.setdefault(client, []).append((first, last))
        return cls(len(names), stretches, hashlib.sha256(content).hexdigest())

    def online(self, round_number: int) -> Flags:
        """bool [clients]"""
        online = np.ones(self.clients, bool)
        for client, stretches in self.stretches.items():
            online[client] = any(first <= round_number <= last for first, last in stretches)
        return online
