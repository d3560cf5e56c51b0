"""Who sits in our council: models judged on sessions of IEMOCAP they did not hear, without test.

    python benchmarks/council.py [--out runs/council] [--table]

Dev holds 12 conversations, too few to choose models by. Here each of the four training sessions (train and
dev) is left out once; all 5,810 utterances are judged by models that heard neither speaker. Epochs are fixed,
the weights a running mean over epochs (0.9), one seed. Models that have finished are kept in `--out`. Writes
docs/results/council.md: each model alone, and the geometric mean of several.
"""

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.partition import Share
from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.store import load
from fedaffect.experiment import Experiment
from fedaffect.federation.averaging import averaged, judged
from fedaffect.learning.learner import Lesson
from fedaffect.learning.metrics import scores
from fedaffect.learning.torch.trainer import ConversationTrainer

KEEP = 0.9
MMTR = "{name='mmtr_style'}"
HEARD = "{name='mmtr_style', reads=['audio','text']}"
READ = "{name='mmtr_style', reads=['text']}"
SMALL = "{name='mm_dfn', layers=4, context_layers=1}"
FAST = "training.learning_rate=1e-3"
DECAY = "training.weight_decay=1e-4"
TOGETHER = (FAST, DECAY, "training.task_weight=0", "training.detach_teacher=true")

MODELS: dict[str, tuple[int, tuple[str, ...]]] = {
    "neighbours": (30, ("model={name='neighbours'}", FAST, "training.weight_decay=0.1")),
    "early fusion": (35, ("model={name='early_fusion'}", FAST)),
    "SDT": (60, ("model={name='sdt', width=128}", "training.learning_rate=3e-4")),
    "DialogueTRM-style": (30, ("model={name='dialogue_trm_style'}", FAST)),
    "MM-DFN": (
        30,
        ("model={name='mm_dfn'}", FAST, DECAY, "training.batch_size=32", "training.focal=1"),
    ),
    "MMTr-style": (40, (f"model={MMTR}", FAST)),
    "MMTr-style, audio and text": (
        40,
        (f"model={MMTR}", FAST, "features.modalities=['audio','text']"),
    ),
    "MMTr-style, text": (40, (f"model={MMTR}", FAST, "features.modalities=['text']")),
    "council of 2, each by itself": (
        35,
        (
            f"model={{name='council', members=[{SMALL}, {MMTR}]}}",
            *TOGETHER,
            "training.distillation_weight=0",
        ),
    ),
    "council of 2": (35, (f"model={{name='council', members=[{SMALL}, {MMTR}]}}", *TOGETHER)),
    "council of 4": (
        35,
        (f"model={{name='council', members=[{SMALL}, {MMTR}, {HEARD}, {READ}]}}", *TOGETHER),
    ),
}
TOGETHER_AFTERWARDS = (
    ("MM-DFN", "MMTr-style"),
    ("MM-DFN", "MMTr-style", "SDT"),
    ("MM-DFN", "MMTr-style", "DialogueTRM-style"),
    ("MM-DFN", "MMTr-style", "early fusion"),
    ("MM-DFN", "MMTr-style", "MMTr-style, audio and text"),
    ("MM-DFN", "MMTr-style", "MMTr-style, text"),
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", default="data/iemocap6")
    options.add_argument("--out", type=Path, default=Path("runs/council"))
    options.add_argument("--results", type=Path, default=Path("docs/results/council.md"))
    options.add_argument("--table", action="store_true", help="run nothing, tabulate what there is")
    chosen = options.parse_args()
    corpus = load(chosen.data)
    chosen.out.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, (epochs, settings) in MODELS.items():
        kept = chosen.out / f"{name}.npy"
        if not kept.exists() and not chosen.table:
            begun = perf_counter()
            np.save(kept, out_of_session(corpus, settings, epochs))
            print(f"{name}: {perf_counter() - begun:.0f} s", flush=True)
        if kept.exists():
            found[name] = np.load(kept, allow_pickle=False)
    chosen.results.write_text(page(corpus, found), encoding="utf-8")


def out_of_session(
    corpus: ConversationCorpus, settings: tuple[str, ...], epochs: int
) -> npt.NDArray[np.float32]:
    """Probabilities [utterances of train and dev, classes], each of a model without that session."""
    experiment = Experiment.load("iemocap-small", settings)
    if experiment.features.modalities:
        corpus = corpus.with_modalities(experiment.features.modalities)
    held = conversations(corpus)
    session = np.array([corpus.conversations[c][:5] for c in held])  # Ses01F_impro01
    item, probability = [], []
    for number, left_out in enumerate(np.unique(session)):
        heard = held[session != left_out]
        rows = np.flatnonzero(np.isin(corpus.conversation, heard))
        learner = ConversationTrainer(corpus, experiment.model_copy(update={"seed": number}))
        learner.set(statistics(corpus, rows))
        state, optimiser = learner.get(), None
        for epoch in range(1, epochs + 1):
            fit = learner.fit(Share("heard", heard, rows), Lesson(seed=epoch, optimiser=optimiser))
            optimiser, state = fit.optimiser, averaged(learner.get(), state, KEEP, epoch)
        learner.set({n: a for n, a in judged(state).items() if n.startswith("model/")})
        outputs = learner.predict(held[session == left_out])
        item.append(outputs.item)
        probability.append(outputs.probability)
    return np.concatenate(probability)[np.argsort(np.concatenate(item))]


def conversations(corpus: ConversationCorpus) -> npt.NDArray[np.int64]:
    return np.sort(np.concatenate([corpus.conversations_in(s) for s in ("train", "dev")]))


def statistics(
    corpus: ConversationCorpus, rows: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[np.float32]]:
    """Mean and scale of every column over the rows that have it."""
    found = {}
    for name, array in corpus.features.items():
        values = array[rows[corpus.present[name][rows]]].astype(np.float64)
        scale = values.std(axis=0)
        found[f"features/{name}/mean"] = values.mean(axis=0).astype(np.float32)
        found[f"features/{name}/scale"] = np.where(scale < 1e-6, 1, scale).astype(np.float32)
    return found


def page(corpus: ConversationCorpus, found: dict[str, npt.NDArray[np.float32]]) -> str:
    rows = np.flatnonzero(np.isin(corpus.conversation, conversations(corpus)))
    label = corpus.label[rows]

    def row(name: str, probability: npt.NDArray[np.float32]) -> str:
        counts = np.zeros((len(corpus.classes),) * 2, np.int64)
        np.add.at(counts, (label, probability.argmax(axis=1)), 1)
        return f"| {name} | {scores(counts).weighted_f1:.3f} | {scores(counts).accuracy:.3f} |"

    several = [names for names in TOGETHER_AFTERWARDS if set(names) <= set(found)]
    return "\n".join(
        [
            "# Who sits in our council",
            "",
            f"{len(rows):,} utterances of iemocap6's train and dev, each judged by a model that has not "
            "heard its session. Test is not touched. One seed: less than a point is noise. `×`: models that "
            "learnt apart, their geometric mean afterwards.",
            "",
            "    python benchmarks/council.py",
            "",
            "| model | weighted F1 | accuracy |",
            "|---|---|---|",
            *(row(name, probability) for name, probability in found.items()),
            *(
                row(
                    " × ".join(names),
                    np.exp(np.mean([np.log(found[n] + 1e-9) for n in names], axis=0)),
                )
                for names in several
            ),
            "",
        ]
    )


if __name__ == "__main__":
    main()
