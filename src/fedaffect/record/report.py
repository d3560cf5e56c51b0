"""`report.html`: one run on one page that opens from disk and asks nobody for anything."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from fedaffect import __version__
from fedaffect.experiment import Experiment
from fedaffect.federation.events import Event
from fedaffect.record import plots, wording
from fedaffect.record.boundary import UNDISCLOSED, crossings, warnings_about
from fedaffect.record.drawing import Drawing
from fedaffect.record.files import REPORT, write_text
from fedaffect.record.history import History
from fedaffect.record.palette import modality_colours
from fedaffect.record.summary import SCORES, read_summary, seed_folders, summarise_seeds

ROWS = 200
FEED = 400


@dataclass(frozen=True)
class ClientRow:
    """A line of the clients' table; None where the run does not tell."""

    name: str
    conversations: int
    volume: int
    selected: int | None
    bytes_up: int | None
    local: float | None
    personal: float | None
    modality_weights: list[float] | None


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
    environment = folder / "environment.json"
    toml = folder / "experiment.toml"
    return _render(
        "report.html.j2",
        title=history.start["run"],
        history=history,
        drawings=_drawings(history),
        clients=client_rows(history),
        hidden_clients=max(len(history.clients) - ROWS, 0),
        class_scores=class_scores(history),
        evaluations=evaluations(history),
        crossings=crossings(history),
        undisclosed=UNDISCLOSED,
        warnings=warnings_about(history),
        settings=changed_settings(history.experiment),
        toml=toml.read_text("utf-8") if toml.is_file() else "",
        environment=_flat(json.loads(environment.read_text("utf-8")))
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
    return _render(
        "seeds.html.j2", title=folder.name, summary=summary, seeds=seeds, figures=figures
    )


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
        (mode, wording.EVALUATIONS.get(mode, mode), dev.get(mode, {}), test.get(mode, {}))
        for mode in history.start["evaluations"]
    ]


def changed_settings(experiment: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(setting, value, default) where they differ; a model's own settings have no default here."""
    default = _flat(Experiment().model_dump())
    return [
        (name, value, default.get(name, wording.NOTHING))
        for name, value in _flat(experiment).items()
        if name not in default or default[name] != value
    ]


def feed(history: History) -> list[tuple[str, str, bool]]:
    """(time, line, is it trouble), newest first; what clients did fills the room that rounds leave."""
    rounds = history.events[-FEED:]
    clients = history.latest[max(len(history.latest) + len(rounds) - FEED, 0) :]
    lines: list[tuple[str, str, bool]] = []
    for event in sorted((*rounds, *clients), key=lambda event: -event["n"]):
        line = wording.feed_line(event, history.clients)
        if line is not None:
            trouble = event["kind"] in ("client_failed", "round_lost", "resumed")
            lines.append((str(event.get("time", ""))[11:19], line, trouble))
    return lines


def _drawings(history: History) -> dict[str, Drawing | None]:
    return {
        "rounds": plots.rounds_curve(history),
        "labels": plots.labels_by_client(history),
        "clients": plots.clients_by_rounds(history),
        "confusion": plots.confusion_matrix(history),
        "modalities": plots.modality_weights(history),
        "bytes": plots.bytes_by_kind(history),
        "reliability": plots.reliability(history),
    }


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} → {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _render(template: str, **context: Any) -> str:
    folder = resources.files("fedaffect.record") / "pages"
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": wording.figure,
        "interval": wording.interval,
        "data_size": wording.data_size,
        "duration": wording.duration,
        "shape": wording.shape,
    }
    environment.globals |= {
        "count": wording.count,
        # Markup: matplotlib has escaped every text in it.
        "picture": lambda drawing: Markup(drawing.svg),
        "scores": SCORES,
        "words": wording.EVALUATIONS,
        "version": __version__,
    }
    return environment.get_template(template).render(**context)
