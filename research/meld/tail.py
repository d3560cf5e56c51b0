"""Test scores of the six leads of Friends and of the other 254 characters, from the same trained models.

    fedaffect ablate ablations/meld-speakers.toml
    python -m research.meld.tail [--runs runs/ablations] [--out docs/results]

Reads the finished runs of that ablation, lets each saved model predict MELD's test part, and scores the
utterances of the leads and of all others separately. Where every client has a model of its own, models of
leads and models of others are averaged separately too. Writes meld-tail.md and meld-tail.csv.
"""

import argparse
import csv
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fedaffect.corpus import store
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.subsets import select_conversations
from fedaffect.learning.metrics import scores
from fedaffect.learning.predictor import predict
from fedaffect.learning.saved import read_config
from fedaffect.record.files import SUMMARY
from fedaffect.schema import UNLABELLED
from fedaffect.studies.study.plan import load

ABLATION = Path("ablations/meld-speakers.toml")
LEADS = ("Chandler", "Joey", "Monica", "Phoebe", "Rachel", "Ross")
FEW = 5
SHARED = "shared"
Parts = dict[str, npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Score:
    """Weighted F1 on test of one seed's models of a kind: `shared`, `of a lead` or `of anybody else`."""

    row: str
    model: str
    seed: int
    leads: float
    others: float
    others_few: float


def rows_by_speaker(corpus: ConversationCorpus, test: ConversationCorpus) -> Parts:
    """Rows of test by speaker; `few`: people with fewer than five utterances in train, or none."""
    rows = np.flatnonzero(test.label != UNLABELLED)
    utterances = np.bincount(corpus.person[corpus.items_in("train")], minlength=len(corpus.persons))
    lead = np.isin([corpus.persons[p] for p in test.person[rows]], LEADS)
    few = utterances[test.person[rows]] < FEW
    return {"leads": rows[lead], "others": rows[~lead], "others_few": rows[~lead & few]}


def weighted_f1(
    corpus: ConversationCorpus, rows: npt.NDArray[np.int64], estimated: npt.NDArray[np.int64]
) -> float:
    classes = len(corpus.classes)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (corpus.label[rows], estimated[rows]), 1)
    return scores(confusion).weighted_f1


def of_run(
    row: str, seed: int, folder: Path, test: ConversationCorpus, parts: Parts
) -> Iterator[Score]:
    """The shared model's scores, or the means over the models of leads and of the others."""
    members = read_config(folder / "model").members
    found: dict[str, list[list[float]]] = {}
    for member in members:
        estimated = predict(folder / "model", test, member, "cpu").probability.argmax(axis=1)
        kind = (
            SHARED if len(members) == 1 else "of a lead" if member in LEADS else "of anybody else"
        )
        figures = [weighted_f1(test, rows, estimated) for rows in parts.values()]
        found.setdefault(kind, []).append(figures)
    for kind, scored in found.items():
        yield Score(row, kind, seed, *np.mean(scored, axis=0).tolist())


def page(found: list[Score], parts: Parts) -> str:
    lines = []
    for row, model in dict.fromkeys((s.row, s.model) for s in found):
        runs = [s for s in found if (s.row, s.model) == (row, model)]
        cells = [_spread([getattr(s, name) for s in runs]) for name in parts]
        lines.append(f"| {row} | {model} | {len(runs)} | {' | '.join(cells)} |")
    return PAGE.format(lines="\n".join(lines), **{name: len(rows) for name, rows in parts.items()})


def _spread(values: list[float]) -> str:
    sd = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3f}{sd}"


PAGE = """\
# The six leads and everybody else

MELD's text, a client a character: weighted F1 on the test utterances of the six leads ({leads}), of all other
people ({others}), and of those others who have fewer than five lines in the training part, or none
({others_few}). Mean ± standard deviation over seeds. Each column is its own set of utterances with its own
mixture of emotions: compare down, not across.

    fedaffect ablate ablations/meld-speakers.toml --results docs/results
    python -m research.meld.tail

| | model | seeds | leads' words | others' words | others with few lines |
| :--- | :--- | ---: | ---: | ---: | ---: |
{lines}

`of a lead`, `of anybody else`: where each client has a model of its own, the mean over the models of either
group, each asked for all of these utterances.
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    given = parser.parse_args()
    entries = load(ABLATION, given.runs).of_rows()
    corpus = store.load(next(iter(entries[0].candidates.values())).experiment.data)
    test = select_conversations(corpus, corpus.conversations_in("test"))
    parts, found = rows_by_speaker(corpus, test), []
    for entry in entries:
        for job in entry.all_jobs:
            if (job.folder / SUMMARY).is_file():
                print(f"{entry.row}, seed {job.experiment.seed}", flush=True)
                found += of_run(entry.row, job.experiment.seed, job.folder, test, parts)
    if not found:
        raise SystemExit(f"{given.runs}: no finished run; first: fedaffect ablate {ABLATION}")
    (given.out / "meld-tail.md").write_text(page(found, parts), encoding="utf-8")
    with (given.out / "meld-tail.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Score.__annotations__)
        writer.writerows(vars(score).values() for score in found)


if __name__ == "__main__":
    main()
