"""Progress display: one line per run and one for all, with rounds, clients, loss, score and time left."""

from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

KEPT = 3
"""So many runs that have ended stay in sight."""


class RunsProgress:
    """Listens to the events of runs. On a terminal live lines; elsewhere a line every few rounds."""

    def __init__(self, console: Console, titles: Sequence[str], rounds: Sequence[int]) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}"),
            TimeElapsedColumn(),
            _TimeLeft(),
            console=console,
            disable=not console.is_terminal,
        )
        self._all = _All(self._progress, rounds) if len(rounds) > 1 else None
        self._lines = [
            _Line(self._progress, console, title, total)
            for title, total in zip(titles, rounds, strict=True)
        ]
        self._ended: deque[_Line] = deque()

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
        line = self._lines[position]
        line.handle(event)
        if self._all:
            self._all.handle(position, event)
        if event["kind"] == "run_finished":
            self._end(line)

    def failed(self, position: int, reason: str) -> None:
        """A run could not be done, and the others go on."""
        line = self._lines[position]
        self._console.print(f"[red]{line.title}: failed:[/]", escape(reason), highlight=False)
        line.fail()
        if self._all:
            self._all.end(position, failed=True)
        self._end(line)

    def _end(self, line: "_Line") -> None:
        self._ended.append(line)
        if len(self._ended) > KEPT:
            self._ended.popleft().hide()
        if self._all and not self._console.is_terminal:
            self._console.print(self._all.status, highlight=False)


class _Line:
    """One run; it has no line on the terminal before it begins."""

    def __init__(self, progress: Progress, console: Console, title: str, rounds: int) -> None:
        self.title = escape(title)
        self._progress, self._console, self._rounds = progress, console, rounds
        self._cohort, self._done, self._status = 0, 0, ""
        self._task: TaskID | None = None

    def handle(self, event: dict[str, Any]) -> None:
        if event["kind"] == "found":
            return
        if self._task is None:
            self._begin(event["round"] if event["kind"] == "resumed" else 0)
        match event["kind"]:
            case "resumed":
                self._console.print(f"{self.title}: resumed after round {event['round']}")
            case "round_started":
                self._cohort, self._done = len(event["cohort"]), 0
            case "client_finished" | "client_failed":
                self._done += 1
                self._show(event["round"] - 1)
            case "round_finished":
                self._finished(event)
            case "round_lost":
                lost = f"[yellow]{self.title}: round {event['round']} lost:[/]"
                self._console.print(lost, escape(event["reason"]), highlight=False)
            case "run_finished":
                self._show(self._rounds)

    def fail(self) -> None:
        self._status = "[red]failed[/]"
        if self._task is not None:
            self._progress.update(self._task, status=self._status)
            self._progress.stop_task(self._task)

    def hide(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def _begin(self, before: int) -> None:
        self._task = self._progress.add_task(
            self.title, total=self._rounds, completed=before, status="", before=before
        )

    def _finished(self, event: dict[str, Any]) -> None:
        number = event["round"]
        self._status = f"loss {event['loss']:.3f}"
        if "score" in event:
            mode, scores = next(iter(event["dev"].items()))
            self._status += f" · dev weighted F1 {scores['weighted_f1']:.3f} ({mode})"
        self._show(number)
        due = number in (1, self._rounds) or number % max(1, self._rounds // 10) == 0
        if due and not self._console.is_terminal:
            self._console.print(
                f"{self.title}: round {number}/{self._rounds} · {self._status} "
                f"· {event['seconds']:.1f} s",
                highlight=False,
                soft_wrap=True,
            )

    def _show(self, completed: int) -> None:
        if self._task is None:
            return
        clients = f"clients {self._done}/{self._cohort}" if self._cohort > 1 else ""
        status = " · ".join(part for part in (clients, self._status) if part)
        self._progress.update(self._task, completed=completed, status=status)


class _All:
    """The line of all runs. It counts rounds; those made before, or that need not be made, took no time."""

    def __init__(self, progress: Progress, rounds: Sequence[int]) -> None:
        self._progress, self._rounds = progress, rounds
        self._made, self._skipped = [0] * len(rounds), 0
        self._over, self._failed = 0, 0
        self._task = progress.add_task("all runs", total=sum(rounds), status="", before=0)

    @property
    def status(self) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{self._over} of {len(self._rounds)} runs done{failed}"

    def handle(self, position: int, event: dict[str, Any]) -> None:
        match event["kind"]:
            case "resumed":
                self._skipped += event["round"]
                self._show(position, event["round"])
            case "round_finished" | "round_lost":
                self._show(position, event["round"])
            case "run_finished" | "found":
                self.end(position)

    def end(self, position: int, failed: bool = False) -> None:
        self._over += 1
        self._failed += failed
        self._skipped += self._rounds[position] - self._made[position]
        self._show(position, self._rounds[position])

    def _show(self, position: int, made: int) -> None:
        self._made[position] = made
        self._progress.update(
            self._task, completed=sum(self._made), status=self.status, before=self._skipped
        )


class _TimeLeft(ProgressColumn):
    """By the mean pace since the beginning: rich's own forgets after half a minute, a round may take more."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        made = task.completed - task.fields["before"]
        if task.total is None or task.elapsed is None or (made <= 0 and not task.finished):
            return Text("-:--:--", style="progress.remaining")
        left = 0 if task.finished else round(task.elapsed / made * (task.total - task.completed))
        minutes, seconds = divmod(left, 60)
        hours, minutes = divmod(minutes, 60)
        return Text(f"{hours}:{minutes:02d}:{seconds:02d}", style="progress.remaining")
