"""A run on one line while it goes on: rounds, clients, loss, score, time left."""

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class RunProgress:
    """Listens to a run's events. On a terminal a live line; elsewhere a line every few rounds."""

    def __init__(self, console: Console, title: str, rounds: int) -> None:
        self._console, self._title, self._rounds = console, title, rounds
        self._cohort, self._done, self._said = 0, 0, ""
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(title, total=rounds, said="")

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

    def __call__(self, event: dict[str, Any]) -> None:
        match event["kind"]:
            case "round_started":
                self._cohort, self._done = len(event["cohort"]), 0
            case "client_finished" | "client_failed":
                self._done += 1
                self._show(event["round"] - 1)
            case "round_finished":
                self._said = f"loss {event['loss']:.3f}"
                if "score" in event:
                    mode, scores = next(iter(event["dev"].items()))
                    self._said += f" · dev weighted F1 {scores['weighted_f1']:.3f} ({mode})"
                self._show(event["round"])
                if not self._console.is_terminal and self._due(event["round"]):
                    self._console.print(
                        f"{self._title}: round {event['round']}/{self._rounds} · {self._said} "
                        f"· {event['seconds']:.1f} s",
                        highlight=False,
                    )
            case "round_lost":
                self._console.print(f"[yellow]round {event['round']} lost:[/] {event['reason']}")
            case "resumed":
                self._console.print(f"{self._title}: resumed after round {event['round']}")

    def _due(self, number: int) -> bool:
        return number in (1, self._rounds) or number % max(1, self._rounds // 10) == 0

    def _show(self, completed: int) -> None:
        clients = f"clients {self._done}/{self._cohort}" if self._cohort > 1 else ""
        said = " · ".join(part for part in (clients, self._said) if part)
        self._progress.update(self._task, completed=completed, said=said)
