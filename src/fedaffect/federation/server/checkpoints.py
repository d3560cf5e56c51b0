"""Checkpoints: the server's state and how far the run has come, committed by one rename."""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fedaffect.errors import UserError
from fedaffect.learning.tensor_file import read_tensors, write_tensors
from fedaffect.schema import Tensors

RUN_STATE, _OLD_RUN_STATE = "run_state.json", "standing.json"
"""The latter in checkpoints of 0.1."""


@dataclass
class RunState:
    """How far a run has come; all that the loop needs beside the state.

    Attributes:
        round: the last round done; 0 = only the statistics.
        dev_scores: raw dev score of the primary evaluation, by evaluated round.
        best_round, best_score: by smoothed dev score; 0 and -1 before any.
        selected: how often each client was chosen.
        bytes_up, bytes_down: on the encoded payloads, summed so far; without evaluations.
        bytes_evaluation: what evaluating clients' models moved, both ways.
        lost_in_row: rounds lost since the last good one.
        best_test: the scores on test of the round that was best there, and `round`; empty unless asked for.
    """

    round: int = 0
    dev_scores: dict[int, float] = field(default_factory=dict)
    best_round: int = 0
    best_score: float = -1.0
    selected: list[int] = field(default_factory=list)
    bytes_up: int = 0
    bytes_down: int = 0
    bytes_evaluation: int = 0
    lost_in_row: int = 0
    best_test: dict[str, float] = field(default_factory=dict)


class Checkpoints:
    """`checkpoints/round-000012/{state.safetensors, run_state.json}`; the last two and the best stay."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, run_state: RunState, state: Tensors) -> None:
        """Write aside, flush to disk, rename; then drop what is no longer kept."""
        final = self._path(run_state.round)
        aside = final.with_name(f"partial-{final.name}")
        for leftover in self._folder.glob("partial-*"):
            shutil.rmtree(leftover)
        aside.mkdir(parents=True)
        write_tensors(aside / "state.safetensors", state)
        (aside / RUN_STATE).write_text(json.dumps(asdict(run_state)), encoding="utf-8")
        for path in (*aside.iterdir(), aside):
            _flush(path)
        if final.exists():
            shutil.rmtree(final)
        aside.rename(final)
        _flush(self._folder)
        for old in set(self.rounds()) - set(self.kept(run_state)):
            shutil.rmtree(self._path(old))

    def kept(self, run_state: RunState) -> list[int]:
        """Rounds that stay readable: the last two and the best."""
        last = [r for r in self.rounds() if r <= run_state.round][-2:]
        return sorted({*last, run_state.best_round} & set(self.rounds()))

    def rounds(self) -> list[int]:
        """Rounds with a whole checkpoint, increasing."""
        return sorted(int(p.name[6:]) for p in self._folder.glob("round-[0-9]*"))

    def load(self, round_number: int) -> tuple[RunState, Tensors]:
        """A kept checkpoint.

        Raises:
            UserError: it is missing or damaged.
        """
        path = self._path(round_number)
        cure = f"delete {path} to go on from the checkpoint before it"
        file = path / RUN_STATE
        if not file.exists() and (path / _OLD_RUN_STATE).exists():
            file = path / _OLD_RUN_STATE
        try:
            table = json.loads(file.read_text(encoding="utf-8"))
            table["dev_scores"] = {int(r): s for r, s in table["dev_scores"].items()}
            run_state = RunState(**table)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(f"{file}: cannot be read: {error}; {cure}") from None
        return run_state, read_tensors(path / "state.safetensors", cure)

    def _path(self, round_number: int) -> Path:
        return self._folder / f"round-{round_number:06d}"


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
