"""An evaluation as tables and lines of words, the same on a terminal and on a page."""

from fedaffect.report.formatting import NOTHING, SCORE_NAMES, count, figure, interval
from fedaffect.report.table import Column, Table
from fedaffect.studies.evaluate.result import EvaluationResult


def scores(result: EvaluationResult) -> Table:
    """The scores of one model, or means over many."""
    cells = {
        "evaluation": result.evaluation,
        **{name: figure(result.scores[key]) for key, name in SCORE_NAMES.items()},
        "95 % interval of weighted F1": interval(result.scores["interval"]),
        "calibration error": figure(result.scores["calibration_error"]),
    }
    if len(result.models) > 1:
        cells["sd of models"] = figure(result.scores["sd"])
        cells["worst tenth"] = figure(result.scores["worst_tenth"])
    columns = (Column(name, words=name == "evaluation") for name in cells)
    return Table(tuple(columns), (tuple(cells.values()),))


def classes(result: EvaluationResult) -> Table:
    """Each class, from which classes of the model it is, and how well it was recognised."""
    by_class = (result.support, result.scores["recall"], result.scores["f1"])
    return Table.of(
        list(zip(result.classes, *by_class, strict=True)),
        [
            (Column("class", words=True), lambda row: row[0]),
            (Column("of the model's", words=True), lambda row: _sources(result, row[0])),
            (Column("items"), lambda row: str(row[1])),
            (Column("recall"), lambda row: figure(row[2])),
            (Column("F1"), lambda row: figure(row[3])),
        ],
    )


def models(result: EvaluationResult) -> Table:
    """Each client's model."""
    return Table.of(
        result.models.items(),
        [
            (Column("model of", words=True), lambda row: row[0]),
            (Column("weighted F1"), lambda row: figure(row[1]["weighted_f1"])),
            (Column("accuracy"), lambda row: figure(row[1]["accuracy"])),
        ],
    )


def facts(result: EvaluationResult) -> list[str]:
    """What was evaluated, and on what."""
    part = "all parts" if result.split == "all" else result.split
    whose = "the shared model"
    if result.evaluation == "local":
        whose = f"each client's own model, means over {count(len(result.models), 'model')}"
    within = f" in {count(result.conversations, 'conversation')}"
    if result.items == result.conversations:  # faces: each stands for itself
        within = ""
    return [
        f"{count(result.items, 'item')} of {result.corpus['name']} ({part}){within}; {whose}",
        *(f"left out: {count(number, 'item')}, {why}" for why, number in result.left_out.items()),
    ]


def cautions(result: EvaluationResult) -> list[str]:
    """What a reader of the figures must know."""
    lines, dropped = list[str](), [n for n, to in result.model_classes.items() if to is None]
    if dropped:
        lines.append(
            f"classes of the model that are left out: {', '.join(dropped)}; for {result.elsewhere:g} of "
            f"{count(result.items, 'item')} one of them was likeliest, and the likeliest of the others counts"
        )
    # What follows a semicolon is which part it is, or with what it was paired.
    readers = (result.learnt_from, result.corpus["reader"])
    trained_on, evaluated_on = (reader.partition(";")[0] for reader in readers)
    if trained_on not in ("", evaluated_on):
        lines.append(
            f"read as: {evaluated_on}; the model was trained on: {trained_on}: where features are made "
            "differently, they may mean something else"
        )
    if result.corpus["pairing"] != "recorded":
        lines.append(
            f"pairing: {result.corpus['pairing']}: no fused figure is one of real recordings"
        )
    if result.corpus["synthetic"]:
        lines.append("synthetic corpus: the figures say nothing about people")
    return lines


def _sources(result: EvaluationResult, name: str) -> str:
    sources = [source for source, to in result.model_classes.items() if to == name]
    return ", ".join(sources) or NOTHING
