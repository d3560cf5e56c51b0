"""What a client keeps for itself between rounds. It never travels.

Every round writes a version of its own, `client-0003/round-000012.safetensors`; at round r a client
remembers its newest version not after r. So nothing is overwritten: a run that is killed and resumed
at round r reads exactly what was current then.
"""

from pathlib import Path

from fedaffect.learning.tensor_file import read_tensors, write_tensors
from fedaffect.schema import Tensors


class MemoryStore:
    """The memories of the clients that one engine holds, as files below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, client: int, at: int) -> Tensors:
        """What the client remembered after round `at`; empty if it never kept anything.

        Raises:
            UserError: its file is damaged.
        """
        if not self._folder.is_dir():  # most algorithms leave nothing to remember
            return {}
        versions = [r for r in self._versions(client) if r <= at]
        if not versions:
            return {}
        return read_tensors(
            self._path(client, max(versions)), "start the run anew in another --out"
        )

    def write(self, client: int, round_number: int, memory: Tensors) -> None:
        """Keep a version; an empty memory is not written."""
        if not memory:
            return
        path = self._path(client, round_number)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".partial")
        write_tensors(aside, memory)
        aside.replace(path)

    def forget(self, keep: list[int], after: int) -> None:
        """Drop versions that no kept round can ask for.

        Args:
            keep: rounds whose memories must stay readable.
            after: versions later than this round stay too.
        """
        for client in self._clients():
            versions = self._versions(client)
            needed = {max((v for v in versions if v <= r), default=-1) for r in keep}
            for version in versions:
                if version <= after and version not in needed:
                    self._path(client, version).unlink()

    def rewind(self, to: int) -> None:
        """Drop versions after round `to`: a resumed run writes them again."""
        for client in self._clients():
            for version in self._versions(client):
                if version > to:
                    self._path(client, version).unlink()

    def _path(self, client: int, version: int) -> Path:
        return self._folder / f"client-{client:04d}" / f"round-{version:06d}.safetensors"

    def _clients(self) -> list[int]:
        return sorted(int(p.name[7:]) for p in self._folder.glob("client-*"))

    def _versions(self, client: int) -> list[int]:
        folder = self._folder / f"client-{client:04d}"
        return sorted(int(p.stem[6:]) for p in folder.glob("round-*.safetensors"))
