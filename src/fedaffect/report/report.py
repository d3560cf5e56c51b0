"""`report.html`: one run on one page that opens from disk and asks nobody for anything."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from fedaffect.experiment import flat
from fedaffect.federation.events import Event
from fedaffect.record.conditions_in_words import conditions_in_words
from fedaffect.record.files import ENVIRONMENT, REPORT, read_object, write_text
from fedaffect.record.history import History
from fedaffect.record.summary import read_summary, seed_folders, summarise_seeds
from fedaffect.report.disclosure import UNDISCLOSED, crossings, warnings_about
from fedaffect.report.feed import feed_line
from fedaffect.report.formatting import evaluation_in_words
from fedaffect.report.html import render
from fedaffect.report.palette import modality_colours
from fedaffect.report.plots import drawings
from fedaffect.report.setting_changes import changed_settings

ROWS = 200
FEED = 400


@dataclass(frozen=True)
class ClientRow:
    """A line of the clients' table; None where it is not recorded."""

    name: str
    conversations: int
    volume: int
    selected: int | None
    bytes_up: int | None
    local: float | None
    personal: float | None
    modality_weights: list[float] | None
    lacking: tuple[str, ...] = ()
    mislabelled: int | None = None


def write_report(folder: Path) -> Path:
    """Write `report.html` into the folder of a run, or of several seeds, and return its path.

    An unfinished run gives a page that says so and shows what there is.

    Raises:
        UserError: neither a run nor the seeds of one.
    """
    path = folder / REPORT
    write_text(path, seeds_page(folder) if seed_folders(folder) else page(folder))
    return path


def page(folder: Path) -> str:
    """The HTML of one run."""
    history = History.read(folder)
    environment = folder / ENVIRONMENT
    toml = folder / "experiment.toml"
    return render(
        "report.html.j2",
        title=history.start["run"],
        history=history,
        drawings=drawings(history),
        clients=client_rows(history),
        hidden_clients=max(len(history.clients) - ROWS, 0),
        class_scores=class_scores(history),
        evaluations=evaluations(history),
        crossings=crossings(history),
        undisclosed=UNDISCLOSED,
        warnings=warnings_about(history),
        conditions=conditions_in_words(history.experiment),
        settings=changed_settings(history.experiment),
        toml=toml.read_text("utf-8") if toml.is_file() else "",
        environment=flat(read_object(environment, (), "delete it; the report can do without"))
        if environment.is_file()
        else {},
        feed=feed(history),
        modality_colours=modality_colours(history.modalities),
    )


def seeds_page(folder: Path) -> str:
    """The HTML of several seeds: means, spreads, and where each seed's own report is."""
    seeds = [(seed.name, read_summary(seed)) for seed in seed_folders(folder)]
    summary = summarise_seeds(folder)
    figures = [key for key in summary if f"{key}_sd" in summary]
    return render("seeds.html.j2", title=folder.name, summary=summary, seeds=seeds, figures=figures)


def client_rows(history: History) -> list[ClientRow]:
    """The table of clients, in the run's order, the first few of many."""
    finish, nothing = history.finish or {}, [None] * len(history.clients)
    ended = finish.get("clients") or [{}] * len(history.clients)
    weights = finish.get("client_modality_weights") or nothing
    selected, sent = history.selected or nothing, history.bytes_up_by_client or nothing
    columns = (history.start["clients"], ended, selected, sent, weights)
    return [
        ClientRow(
            name=client["name"],
            conversations=client["conversations"],
            volume=client["volume"],
            selected=times,
            bytes_up=up,
            local=end.get("local_weighted_f1"),
            personal=end.get("personal_weighted_f1"),
            modality_weights=shares,
            lacking=tuple(client.get("lacking", ())),
            mislabelled=client.get("mislabelled"),
        )
        for client, end, times, up, shares in islice(zip(*columns, strict=True), ROWS)
    ]


def class_scores(history: History) -> list[tuple[str, int, float, float]]:
    """(class, test items, recall, F1) in the primary evaluation; empty while unfinished."""
    if history.finish is None:
        return []
    scores = history.finish["test"][history.primary]
    if not scores.get("recall"):
        return []
    models = 1 if history.primary == "global" else len(history.clients)
    items = [sum(row) // models for row in history.finish["confusion"]]
    return list(zip(history.classes, items, scores["recall"], scores["f1"], strict=True))


def evaluations(history: History) -> list[tuple[str, str, Event, Event]]:
    """(mode, mode in words, dev scores, test scores): of an unfinished run the last dev scores."""
    last: Event = next((e["dev"] for e in reversed(history.rounds) if e.get("dev")), {})
    dev = history.finish["dev"] if history.finish else last
    test = history.finish["test"] if history.finish else {}
    return [
        (mode, evaluation_in_words(mode), dev.get(mode, {}), test.get(mode, {}))
        for mode in history.start["evaluations"]
    ]


def feed(history: History) -> list[tuple[str, str, bool]]:
    """(time, line, is it trouble), newest first; what clients did fills the room that rounds leave."""
    rounds = history.events[-FEED:]
    clients = history.latest[max(len(history.latest) + len(rounds) - FEED, 0) :]
    lines: list[tuple[str, str, bool]] = []
    for event in sorted((*rounds, *clients), key=lambda event: -event["n"]):
        line = feed_line(event, history.clients)
        if line is not None:
            trouble = event["kind"] in ("client_failed", "round_lost", "resumed")
            lines.append((str(event.get("time", ""))[11:19], line, trouble))
    return lines
