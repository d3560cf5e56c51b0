"""A verdict as tables and lines of words, the same for a terminal and for a page."""

from fedaffect.record.summary import SCORES
from fedaffect.report.formatting import NOTHING, count, figure, interval
from fedaffect.report.table import Column, Sheet
from fedaffect.studies.evaluate.result import EvaluationResult

_NAMES = dict(zip(SCORES, ("weighted F1", "macro F1", "accuracy", "UAR"), strict=True))


def scores(told: EvaluationResult) -> Sheet:
    """The scores of one model, or means over many."""
    names = [Column("evaluation", words=True), *map(Column, _NAMES.values())]
    names += [Column("95 % interval of weighted F1"), Column("calibration error")]
    cells = [told.evaluation, *(figure(told.scores[name]) for name in _NAMES)]
    cells += [interval(told.scores["interval"]), figure(told.scores["calibration_error"])]
    if len(told.models) > 1:
        names += [Column("sd of models"), Column("worst tenth")]
        cells += [figure(told.scores["sd"]), figure(told.scores["worst_tenth"])]
    return Sheet(tuple(names), (tuple(cells),))


def classes(told: EvaluationResult) -> Sheet:
    """Each class, from which classes of the model it is, and how well it was told."""
    columns = (
        *(Column("class", words=True), Column("of the model's", words=True)),
        *map(Column, ("items", "recall", "F1")),
    )
    rows = (
        (name, ", ".join(_sources(told, name)) or NOTHING, str(items), figure(recall), figure(f1))
        for name, items, recall, f1 in zip(
            told.classes, told.support, told.scores["recall"], told.scores["f1"], strict=True
        )
    )
    return Sheet(columns, tuple(rows))


def models(told: EvaluationResult) -> Sheet:
    """Each client's model."""
    columns = (Column("model of", words=True), Column("weighted F1"), Column("accuracy"))
    rows = (
        (name, figure(each["weighted_f1"]), figure(each["accuracy"]))
        for name, each in told.models.items()
    )
    return Sheet(columns, tuple(rows))


def facts(told: EvaluationResult) -> list[str]:
    """What was asked, and of what."""
    part = "all parts" if told.split == "all" else told.split
    whose = "the shared model"
    if told.evaluation == "local":
        whose = f"each client's own model, means over {count(len(told.models), 'model')}"
    within = f" in {count(told.conversations, 'conversation')}"
    if told.items == told.conversations:  # faces: each stands for itself
        within = ""
    return [
        f"{count(told.items, 'item')} of {told.corpus['name']} ({part}){within}; {whose}",
        *(f"left out: {count(number, 'item')}, {why}" for why, number in told.left_out.items()),
    ]


def cautions(told: EvaluationResult) -> list[str]:
    """What a reader of the figures must know."""
    lines, dropped = list[str](), [n for n, to in told.model_classes.items() if to is None]
    if dropped:
        lines.append(
            f"classes of the model that are left out: {', '.join(dropped)}; for {told.elsewhere:g} of "
            f"{count(told.items, 'item')} one of them was likeliest, and the likeliest of the others counts"
        )
    # What follows a semicolon tells which part it is, or with what it was paired.
    learnt, judged = (said.partition(";")[0] for said in (told.learnt_from, told.corpus["reader"]))
    if learnt not in ("", judged):
        lines.append(
            f"read as: {judged}; the model learnt from: {learnt}: where features are made "
            "differently, they may mean something else"
        )
    if told.corpus["pairing"] != "recorded":
        lines.append(
            f"pairing: {told.corpus['pairing']}: no fused figure is one of real recordings"
        )
    if told.corpus["synthetic"]:
        lines.append("synthetic corpus: the figures say nothing about people")
    return lines


def _sources(told: EvaluationResult, name: str) -> list[str]:
    return [source for source, to in told.model_classes.items() if to == name]
