"""Choose the models of the co-distilled ensemble: each is judged on IEMOCAP sessions outside its training.

    python -m research.iemocap.ensemble [--out runs/codistilled-ensemble] [--table]

Dev holds 12 conversations, too few to choose models by. Here each of the four training sessions (train and
dev) is left out once, so that all 5,810 utterances are judged by models trained on neither speaker. Epochs
are fixed, the weights are a running mean over epochs (0.9), one seed; the test part is never read. Finished
predictions are kept in `--out`. Writes docs/results/codistilled-ensemble.md: each model alone, and the
geometric mean of several.
"""

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

from fedaffect.corpus.schema import ConversationCorpus
from fedaffect.corpus.store import load
from fedaffect.experiment import Experiment
from fedaffect.federation.model_ema import averaged_model, update_mean
from fedaffect.learning.learner import FitOptions
from fedaffect.learning.metrics import scores
from fedaffect.learning.torch.trainer import ConversationTrainer
from fedaffect.schema import ClientData

KEEP = 0.9
MMTR = "{name='mmtr_style'}"
MMTR_AUDIO_TEXT = "{name='mmtr_style', reads=['audio','text']}"
MMTR_TEXT = "{name='mmtr_style', reads=['text']}"
MM_DFN = "{name='mm_dfn', layers=4, context_layers=1}"
FAST = "training.learning_rate=1e-3"
DECAY = "training.weight_decay=1e-4"
ENSEMBLE = (FAST, DECAY, "training.task_weight=0", "training.detach_teacher=true")


def ensemble(*members: str) -> str:
    return f"model={{name='codistilled_ensemble', members=[{', '.join(members)}]}}"


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
    "ensemble of 2, no distillation": (
        35,
        (ensemble(MM_DFN, MMTR), *ENSEMBLE, "training.distillation_weight=0"),
    ),
    "ensemble of 2": (35, (ensemble(MM_DFN, MMTR), *ENSEMBLE)),
    "ensemble of 4": (35, (ensemble(MM_DFN, MMTR, MMTR_AUDIO_TEXT, MMTR_TEXT), *ENSEMBLE)),
}
"""By row of the table: epochs and settings."""
MEANS = (
    ("MM-DFN", "MMTr-style"),
    ("MM-DFN", "MMTr-style", "SDT"),
    ("MM-DFN", "MMTr-style", "DialogueTRM-style"),
    ("MM-DFN", "MMTr-style", "early fusion"),
    ("MM-DFN", "MMTr-style", "MMTr-style, audio and text"),
    ("MM-DFN", "MMTr-style", "MMTr-style, text"),
)
"""Models trained separately, whose probabilities are averaged."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="data/iemocap6")
    parser.add_argument("--out", type=Path, default=Path("runs/codistilled-ensemble"))
    parser.add_argument(
        "--results", type=Path, default=Path("docs/results/codistilled-ensemble.md")
    )
    parser.add_argument("--table", action="store_true", help="train nothing, tabulate what is kept")
    options = parser.parse_args()
    corpus = load(options.data)
    options.out.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, (epochs, settings) in MODELS.items():
        kept = options.out / f"{name}.npy"
        if not kept.exists() and not options.table:
            begun = perf_counter()
            np.save(kept, out_of_session(corpus, settings, epochs))
            print(f"{name}: {perf_counter() - begun:.0f} s", flush=True)
        if kept.exists():
            found[name] = np.load(kept, allow_pickle=False)
    options.results.write_text(page(corpus, found), encoding="utf-8")


def out_of_session(
    corpus: ConversationCorpus, settings: tuple[str, ...], epochs: int
) -> npt.NDArray[np.float32]:
    """Probabilities [utterances of train and dev, classes], each of a model trained without that session."""
    experiment = Experiment.load("iemocap-small", settings)
    if experiment.features.modalities:
        corpus = corpus.with_modalities(experiment.features.modalities)
    every = conversations(corpus)
    session = np.array([corpus.conversations[c][:5] for c in every])  # Ses01F_impro01
    item, probability = [], []
    for number, left_out in enumerate(np.unique(session)):
        train = every[session != left_out]
        rows = np.flatnonzero(np.isin(corpus.conversation, train))
        learner = ConversationTrainer(corpus, experiment.model_copy(update={"seed": number}))
        learner.set(statistics(corpus, rows))
        state, optimiser = learner.get(), None
        for epoch in range(1, epochs + 1):
            options = FitOptions(seed=epoch, optimiser=optimiser)
            fit = learner.fit(ClientData("train", train, rows), options)
            optimiser, state = fit.optimiser, update_mean(learner.get(), state, KEEP, epoch)
        learner.set({n: a for n, a in averaged_model(state).items() if n.startswith("model/")})
        outputs = learner.predict(every[session == left_out])
        item.append(outputs.item)
        probability.append(outputs.probability)
    return np.concatenate(probability)[np.argsort(np.concatenate(item))]


def conversations(corpus: ConversationCorpus) -> npt.NDArray[np.int64]:
    """Of train and dev, sorted."""
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

    means = [names for names in MEANS if set(names) <= set(found)]
    return "\n".join(
        [
            "# Which models the co-distilled ensemble combines",
            "",
            f"{len(rows):,} utterances of iemocap6's train and dev, each judged by a model trained without "
            "its session. The test part is not read. One seed: less than a point is noise. `×`: models "
            "trained separately, the geometric mean of their probabilities.",
            "",
            "    python -m research.iemocap.ensemble",
            "",
            "| model | weighted F1 | accuracy |",
            "|---|---|---|",
            *(row(name, probability) for name, probability in found.items()),
            *(
                row(
                    " × ".join(names),
                    np.exp(np.mean([np.log(found[n] + 1e-9) for n in names], axis=0)),
                )
                for names in means
            ),
            "",
        ]
    )


if __name__ == "__main__":
    main()
