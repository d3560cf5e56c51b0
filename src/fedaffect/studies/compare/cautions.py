"""Where runs must not be compared, or not as they stand."""

from collections.abc import Mapping, Sequence

from fedaffect.experiment import Experiment
from fedaffect.record.conditions_in_words import conditions_in_words
from fedaffect.record.history import History
from fedaffect.record.summary import Summary
from fedaffect.report.formatting import count
from fedaffect.studies.compare.runs import ComparedRun

UNEQUAL = 1.05
"""Passes over the data count as equal up to this ratio."""


def same_corpus(run: ComparedRun, base: ComparedRun) -> bool:
    """Whether both were trained on, and tested on, the same contents."""
    ours, theirs = run.history.corpus, base.history.corpus
    return (ours["sha256"], ours["classes"]) == (theirs["sha256"], theirs["classes"])


def same_shares(run: History, base: History) -> bool:
    """Whether each client holds the same in both, as far as recorded: conversations, volume, labels."""
    return bool(run.start["clients"] == base.start["clients"])


def warnings(runs: Sequence[ComparedRun]) -> list[str]:
    """A line for each reason; empty where all may be compared."""
    found = summary_warnings({run.name: run.summary for run in runs})
    found += [*_corpora(runs), *_shares(runs), *_conditions(runs), *_passes(runs), *_seeds(runs)]
    return found


def summary_warnings(summaries: Mapping[str, Summary]) -> list[str]:
    """What the summaries of runs, by name, are enough to see."""
    found = []
    modes = sorted({str(summary["evaluation"]) for summary in summaries.values()})
    if len(modes) > 1:
        found.append(
            f"evaluations differ ({', '.join(modes)}): compare only within one; "
            "`personal F1` is the same evaluation in every row"
        )
    for name in ("corpus", "partition"):
        # A baseline without a partition of its own (centralised, local) still names the experiment's.
        values = sorted({str(summary[name]) for summary in summaries.values()})
        if len(values) > 1:
            found.append(f"{name} differs ({', '.join(values)}): these are different tasks")
    unfinished = [n for n, summary in summaries.items() if summary.get("test_weighted_f1") is None]
    if unfinished:
        found.append(f"not finished: {', '.join(unfinished)}")
    return found


def _corpora(runs: Sequence[ComparedRun]) -> list[str]:
    """One name may stand for two imports."""
    found = {run.history.corpus["sha256"][:12]: run.history.corpus["name"] for run in runs}
    if len(found) == len(set(found.values())):
        return []
    return [
        f"corpus differs in its contents (SHA-256 {', '.join(found)}): these are different tasks"
    ]


def _shares(runs: Sequence[ComparedRun]) -> list[str]:
    """Among how many clients, and how, the training part was split; one client alone has it all."""
    federated = [run for run in runs if len(run.history.clients) > 1]
    for run in federated[1:]:
        for seed in sorted(run.histories.keys() & federated[0].histories.keys()):
            if not same_shares(run.histories[seed], federated[0].histories[seed]):
                numbers = (
                    f"{r.name}: {count(len(r.history.clients), 'client')}"
                    for r in (federated[0], run)
                )
                return [f"the training part is split differently ({', '.join(numbers)})"]
    return []


def _conditions(runs: Sequence[ComparedRun]) -> list[str]:
    """A method that did better where less went wrong did not do better."""
    default = Experiment().conditions.model_dump()
    experiments = {run.name: run.history.experiment for run in runs}
    given = [default | dict(e.get("conditions", {})) for e in experiments.values()]
    if all(one == given[0] for one in given):
        return []
    words = ". ".join(f"{n}: {conditions_in_words(e) or 'none'}" for n, e in experiments.items())
    return [
        f"conditions differ ({words}): what they cost and what a method is worth cannot be separated"
    ]


def _passes(runs: Sequence[ComparedRun]) -> list[str]:
    known = {run.name: run.passes for run in runs if run.passes}
    if not known or max(known.values()) <= UNEQUAL * min(known.values()):
        return []
    passes = ", ".join(f"{name} {number:.3g}" for name, number in known.items())
    return [f"passes over the training data differ ({passes}): one had more to learn from"]


def _seeds(runs: Sequence[ComparedRun]) -> list[str]:
    found = []
    for run in runs:
        seeds = run.summary.get("seeds")
        if seeds is not None and not run.summary["finished"]:
            found.append(f"{run.name}: only {count(len(seeds), 'seed')} finished")
    if any(run.histories.keys() != runs[0].histories.keys() for run in runs):
        seeds = "; ".join(f"{run.name} {', '.join(map(str, run.histories))}" for run in runs)
        found.append(f"seeds differ ({seeds}): only those in common are paired")
    return found
