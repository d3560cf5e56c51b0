"""Where runs must not be compared, or not as they stand."""

from collections.abc import Sequence
from dataclasses import replace

from fedaffect.experiment import Experiment
from fedaffect.record.conditions_in_words import conditions_in_words
from fedaffect.record.history import History
from fedaffect.report.formatting import count
from fedaffect.studies.compare.runs import Side
from fedaffect.studies.compare.scores import cautions, comparison

UNEQUAL = 1.05
"""Passes over the data count as equal up to this ratio."""


def same_corpus(side: Side, base: Side) -> bool:
    """Whether both learnt from, and were tested on, the same contents."""
    ours, theirs = side.history.corpus, base.history.corpus
    return (ours["sha256"], ours["classes"]) == (theirs["sha256"], theirs["classes"])


def same_shares(run: History, base: History) -> bool:
    """Whether each client holds the same in both, as far as a record tells: conversations, volume, labels."""
    return bool(run.start["clients"] == base.start["clients"])


def warnings(sides: Sequence[Side]) -> list[str]:
    """A line for each reason; empty where all may be compared."""
    rows = comparison(side.folder for side in sides)
    named = [replace(row, run=side.name) for row, side in zip(rows, sides, strict=True)]
    found = [*cautions(named), *_corpora(sides), *_shares(sides), *_conditions(sides)]
    return [*found, *_passes(sides), *_seeds(sides)]


def _corpora(sides: Sequence[Side]) -> list[str]:
    """One name may stand for two imports."""
    found = {side.history.corpus["sha256"][:12]: side.history.corpus["name"] for side in sides}
    if len(found) == len(set(found.values())):
        return []
    return [
        f"corpus differs in its contents (SHA-256 {', '.join(found)}): these are different tasks"
    ]


def _shares(sides: Sequence[Side]) -> list[str]:
    """Among how many clients, and how, the training part was shared out; one client alone has it all."""
    federated = [side for side in sides if len(side.history.clients) > 1]
    for side in federated[1:]:
        for seed in sorted(side.histories.keys() & federated[0].histories.keys()):
            if not same_shares(side.histories[seed], federated[0].histories[seed]):
                numbers = (
                    f"{s.name}: {count(len(s.history.clients), 'client')}"
                    for s in (federated[0], side)
                )
                return [f"the training part is split differently ({', '.join(numbers)})"]
    return []


def _conditions(sides: Sequence[Side]) -> list[str]:
    """A method that did better where less went wrong did not do better."""
    usual = Experiment().conditions.model_dump()
    experiments = {side.name: side.history.experiment for side in sides}
    given = [usual | dict(e.get("conditions", {})) for e in experiments.values()]
    if all(one == given[0] for one in given):
        return []
    told = {name: conditions_in_words(e) or "none" for name, e in experiments.items()}
    each = ". ".join(f"{name}: {words}" for name, words in told.items())
    return [
        f"conditions differ ({each}): what they cost and what a method is worth are not told apart"
    ]


def _passes(sides: Sequence[Side]) -> list[str]:
    known = {side.name: side.passes for side in sides if side.passes}
    if not known or max(known.values()) <= UNEQUAL * min(known.values()):
        return []
    told = ", ".join(f"{name} {passes:.3g}" for name, passes in known.items())
    return [f"passes over the training data differ ({told}): one had more to learn from"]


def _seeds(sides: Sequence[Side]) -> list[str]:
    found = []
    for side in sides:
        seeds = side.summary.get("seeds")
        if seeds is not None and not side.summary["finished"]:
            found.append(f"{side.name}: only {count(len(seeds), 'seed')} finished")
    if any(side.histories.keys() != sides[0].histories.keys() for side in sides):
        told = "; ".join(f"{side.name} {', '.join(map(str, side.histories))}" for side in sides)
        found.append(f"seeds differ ({told}): only those in common are paired")
    return found
