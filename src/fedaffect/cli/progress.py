"""Runs on a line each while they go on: rounds, clients, loss, score, time left."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class RunsProgress:
    """Listens to the events of runs. On a terminal live lines; elsewhere a line every few rounds."""

    def __init__(self, console: Console, titles: Sequence[str], rounds: Sequence[int]) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._lines = [
            _Line(self._progress, console, title, total)
            for title, total in zip(titles, rounds, strict=True)
        ]

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, position: int, event: dict[str, Any]) -> None:
        self._lines[position].hear(event)


class _Line:
    def __init__(self, progress: Progress, console: Console, title: str, rounds: int) -> None:
        self._progress, self._console, self._title, self._rounds = progress, console, title, rounds
        self._cohort, self._done, self._said = 0, 0, ""
        self._task: TaskID = progress.add_task(title, total=rounds, said="", start=False)

    def hear(self, event: dict[str, Any]) -> None:
        match event["kind"]:
            case "run_started" | "resumed":
                self._progress.start_task(self._task)
                if event["kind"] == "resumed":
                    self._console.print(f"{self._title}: resumed after round {event['round']}")
                    self._show(event["round"])
            case "round_started":
                self._cohort, self._done = len(event["cohort"]), 0
            case "client_finished" | "client_failed":
                self._done += 1
                self._show(event["round"] - 1)
            case "round_finished":
                self._finished(event)
            case "round_lost":
                lost = f"[yellow]{self._title}: round {event['round']} lost:[/]"
                self._console.print(lost, escape(event["reason"]), highlight=False)
            case "run_finished":
                self._show(self._rounds)

    def _finished(self, event: dict[str, Any]) -> None:
        number = event["round"]
        self._said = f"loss {event['loss']:.3f}"
        if "score" in event:
            mode, scores = next(iter(event["dev"].items()))
            self._said += f" · dev weighted F1 {scores['weighted_f1']:.3f} ({mode})"
        self._show(number)
        due = number in (1, self._rounds) or number % max(1, self._rounds // 10) == 0
        if due and not self._console.is_terminal:
            self._console.print(
                f"{self._title}: round {number}/{self._rounds} · {self._said} "
                f"· {event['seconds']:.1f} s",
                highlight=False,
                soft_wrap=True,
            )

    def _show(self, completed: int) -> None:
        clients = f"clients {self._done}/{self._cohort}" if self._cohort > 1 else ""
        said = " · ".join(part for part in (clients, self._said) if part)
        self._progress.update(self._task, completed=completed, said=said)
