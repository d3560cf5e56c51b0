"""An experiment: everything that decides a run's numbers, typed, validated, written as TOML.

Values come from four places, the later winning: the defaults below, a preset or a TOML file, scenarios (parts
of an experiment, which compose), and settings, `section.name=value`, among which `scenario=NAME` may stand.
A model's and an algorithm's own settings stand in their files (`SDT.Settings`, `FedMPD.Settings`); here they
pass through as extra keys of their section.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import Field, ValidationInfo, field_validator, model_validator

from fedaffect import registry
from fedaffect.experiment import loading
from fedaffect.experiment.renamed import with_new_names
from fedaffect.experiment.validate import OpenSection, Section, validated

SYNTHETIC = "synthetic"


class Features(Section):
    """Which features take part, and how raw columns are scaled before a model sees them.

    `federated`: zero mean and unit variance by statistics that the clients sum up together in a first
    exchange: those of the pooled training part, but that `person` counts a conversation once for each of its
    people, and that a client with a single utterance of a modality keeps it to itself. `none`: as stored.
    Images are always as stored: the model that reads them scales them.
    """

    standardise: Literal["federated", "none"] = "federated"
    modalities: tuple[str, ...] = Field((), description="which take part; all where none is named")


class Partition(OpenSection):
    """How the training part of a corpus is shared out among clients; no conversation is cut.

    `clients` is ignored by `person` (one client a person) and `session` (one for those who talk together).
    """

    name: str = "iid"
    clients: int = Field(20, ge=1, le=1_000_000)
    alpha: float = Field(0.5, gt=0, description="Dirichlet concentration; small = unequal")
    shots: int = Field(0, ge=0, description="labels a client has of each class; 0 = all it holds")

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        registry.ensure_known("partition", name)
        return name


class Model(OpenSection):
    name: str = "sdt"


class Start(Section):
    """The model that all clients start from."""

    run: str = Field(
        "", description="folder of a finished run that has it; none: a model drawn from the seed"
    )
    sha256: str = Field(
        "",
        pattern="^([0-9a-f]{64})?$",
        description="of that model; a run notes it, and refuses another one ever after",
    )


class Training(Section):
    """One client's learning in one round."""

    local_epochs: int = Field(1, ge=1, description="passes over its own data in a round")
    batch_size: int = Field(16, ge=1, description="conversations a step")
    learning_rate: float = Field(1e-3, gt=0)
    schedule: Literal["constant", "cosine"] = Field(
        "constant",
        description="of the learning rate over rounds; cosine: half a wave, from all of it to hardly any",
    )
    weight_decay: float = Field(
        1e-5, ge=0, description="L2 added to the gradient, as in Adam's paper"
    )
    optimiser: Literal["adam", "sgd"] = "adam"
    momentum: float = Field(0.0, ge=0, lt=1, description="of sgd")
    optimiser_state: Literal["reset", "keep"] = Field(
        "reset",
        description="what becomes of the optimiser's moments between two rounds of a client",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="of products; auto: bfloat16 for wide models where the machine has units for it",
    )
    class_weights: Literal["none", "local", "federated"] = Field(
        "local",
        description="rare classes count more: by a client's own label frequencies, or over all clients",
    )
    logit_adjustment: Literal["none", "local", "federated"] = Field(
        "none",
        description="keep a client's own mixture of labels out of what it learns: predict as if classes were "
        "equally frequent (local), or as frequent as over all clients (federated: clients report their label "
        "frequencies); without class weights",
    )
    temperature: float = Field(
        1.0, gt=0, description="τ of what students learn from the fused head"
    )
    task_weight: float = Field(1.0, ge=0, description="γ₁, of the fused head's loss")
    student_weight: float = Field(1.0, ge=0, description="γ₂, of the students' losses")
    distillation_weight: float = Field(1.0, ge=0, description="γ₃, of what students learn from it")
    detach_teacher: bool = Field(
        False, description="the fused head does not learn from its students in turn"
    )
    scale_by_temperature: bool = Field(
        False, description="multiply the KL term by temperature squared"
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="how much of a label is spread over all classes"
    )
    soft_labels: bool = Field(
        False,
        description="learn from what each of several people saw, where a corpus has their votes",
    )
    focal: float = Field(
        0.0, ge=0, description="exponent of (1 - p_y): less of the loss for what is already known"
    )
    modality_dropout: float = Field(
        0.0, ge=0, lt=1, description="how often a conversation is learnt from without a modality"
    )
    contrastive_weight: float = Field(
        0.0, ge=0, description="of the pull of one label's embeddings to each other, in a batch"
    )
    contrastive_temperature: float = Field(0.1, gt=0, description="lower: only the nearest count")

    @field_validator("logit_adjustment")
    @classmethod
    def _of_labels_as_they_are(cls, rule: str, others: ValidationInfo) -> str:
        weights = others.data.get("class_weights", "none")
        if rule != "none" and weights != "none":
            raise ValueError(
                f"training.class_weights={weights} makes up for a mixture already; set that to none"
            )
        return rule

    @field_validator("soft_labels")
    @classmethod
    def _of_counted_labels(cls, soft: bool, others: ValidationInfo) -> bool:
        if soft and others.data.get("logit_adjustment", "none") != "none":
            raise ValueError(
                "votes are not what training.logit_adjustment counts; set that to none"
            )
        return soft

    @property
    def needs_label_frequencies(self) -> bool:
        """Whether clients report their label frequencies."""
        return "federated" in (self.class_weights, self.logit_adjustment)


class Algorithm(OpenSection):
    name: str = "fedavg"


def online_probability(availability: str) -> float:
    """`always` → 1.0, `bernoulli(0.8)` → 0.8; with a trace, which decides alone, 1.0.

    Raises:
        ValueError: anything else.
    """
    if availability == "always" or trace_file(availability):
        return 1.0
    match = re.fullmatch(r"bernoulli\((\d*\.?\d+)\)", availability)
    if match is None or not 0 < float(match[1]) <= 1:
        raise ValueError(
            "availability is `always`, `bernoulli(p)` with 0 < p <= 1, or `trace(FILE.csv)`"
        )
    return float(match[1])


def trace_file(availability: str) -> str:
    """The file of `trace(FILE.csv)`; empty for anything else."""
    match = re.fullmatch(r"trace\((.+)\)", availability)
    return match[1] if match else ""


class Clients(Section):
    """Which clients take part in a round.

    `top_volume` is Wang et al. 2026: among those online, the given fraction with the most utterances.
    """

    rule: Literal["uniform", "volume", "top_volume"] = Field(
        "uniform", description="drawn alike, or by utterances; or those with the most, not drawn"
    )
    fraction: float = Field(1.0, gt=0, le=1, description="of the clients online, in each round")
    availability: str = Field(
        "always",
        description="always | bernoulli(p): online with probability p | trace(FILE.csv): client,first,last",
    )

    variants: tuple[tuple[str, ...], ...] = Field(
        (),
        description="settings of [model] by kind: client i has those of kind i modulo their number, as "
        '[["model.width=64"], ["model.width=128"]]; only prototypes can be shared then',
    )

    @field_validator("variants")
    @classmethod
    def _of_the_model(cls, variants: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        for setting in (setting for settings in variants for setting in settings):
            key = setting.partition("=")[0].strip()
            # A name of one's own is code: what `predict` may import is decided by [model] alone.
            if not key.startswith("model.") or key == "model.name":
                raise ValueError(f"`{setting}` is no setting of the model, or another model")
        return variants

    @field_validator("availability")
    @classmethod
    def _known(cls, text: str) -> str:
        online_probability(text)
        return text


class Conditions(Section):
    """What goes wrong: with the recordings, the labels, the clients' work and its way to the server.

    By default nothing. All is drawn from the seed: one utterance, client or update at a time, so that what is
    affected at a low rate is affected at a higher one too. docs/conditions.md defines each.
    """

    missing_clients: float = Field(
        0.0, ge=0, le=1, description="fraction of the clients that have nothing of one modality"
    )
    missing_utterances: float = Field(
        0.0,
        ge=0,
        le=1,
        description="how often an utterance lacks a modality, each by itself; never the last it has",
    )
    missing_modality: str = Field(
        "", description="the one that clients and utterances may lack; any where none is named"
    )
    missing_in: Literal["train", "everywhere"] = Field(
        "train", description="where utterances lack modalities; everywhere: in dev and test too"
    )
    corrupted_pictures: float = Field(
        0.0,
        ge=0,
        le=1,
        description="probability that a picture of the training part is dark, shaky, covered, ...",
    )
    label_noise: float = Field(
        0.0, ge=0, le=1, description="how often a label that clients learn from is a wrong one"
    )
    label_noise_sparsity: float = Field(
        0.4, ge=0, lt=1, description="of the wrong classes, how many a class is never taken for"
    )
    stragglers: float = Field(
        0.0,
        ge=0,
        le=1,
        description="how often a client has time for a part of its steps only, drawn uniformly",
    )
    drop_out: float = Field(
        0.0, ge=0, lt=1, description="how often a chosen client fails, its work undone"
    )
    lost: float = Field(
        0.0, ge=0, lt=1, description="how often an update never arrives, the client not knowing it"
    )
    late: float = Field(
        0.0, ge=0, lt=1, description="how often an update misses its round, and each round after"
    )
    late_discount: float = Field(
        1.0, ge=0, le=1, description="factor on a late update's weight for each round it is late"
    )


class Rounds(Section):
    count: int = Field(20, ge=1, description="at most")
    patience: int = Field(
        0, ge=0, description="stop after so many rounds without a better dev score; 0 = never"
    )
    selection: Literal["dev", "last"] = Field(
        "dev", description="which round's model is kept and tested: the best on dev, or the last"
    )
    smoothing: int = Field(
        3, ge=1, description="the dev score of a round is its mean over so many rounds"
    )
    average: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="evaluate and keep a running mean of the global model: how much of the old stays",
    )
    best_test: bool = Field(
        False,
        description="report the best test score of all rounds too, as much of the literature does; "
        "nothing is chosen by it",
    )
    target: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="a dev weighted F1: report the rounds and bytes until it is first reached; 0 = none",
    )
    evaluate_every: int = Field(1, ge=1, description="rounds from one dev score to the next")
    checkpoint_every: int = Field(1, ge=1, description="rounds that a killed run loses at most")
    quorum: float = Field(0.5, ge=0, le=1, description="fraction of the cohort that must answer")
    record: Literal["clients", "rounds", "ends"] = Field(
        "clients",
        description="what events.jsonl records: every client of every round, rounds, or begin and end only",
    )

    @field_validator("evaluate_every")
    @classmethod
    def _within_patience(cls, every: int, others: ValidationInfo) -> int:
        patience = others.data.get("patience", 0)
        if 0 < patience < every:
            raise ValueError(
                f"patience {patience} would be over before a second score; raise rounds.patience"
            )
        return every


class Engine(OpenSection):
    """Where client work runs. Figures do not depend on it."""

    name: str = "local"
    workers: int = Field(1, ge=1, le=256, description="processes, one thread each")

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        registry.ensure_known("engine", name)
        return name


class Experiment(Section):
    """One run, whole. Equal experiments give equal numbers."""

    name: str = Field("experiment", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    data: str = Field(SYNTHETIC, description="folder of an imported corpus, or `synthetic`")
    seed: int = Field(0, ge=0)
    device: str = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?)$")
    features: Features = Features()
    partition: Partition = Partition()
    model: Model = Model()
    start: Start = Start()
    training: Training = Training()
    algorithm: Algorithm = Algorithm()
    clients: Clients = Clients()
    conditions: Conditions = Conditions()
    rounds: Rounds = Rounds()
    engine: Engine = Engine()

    @classmethod
    def load(cls, source: str | Path, settings: Iterable[str] = ()) -> "Experiment":
        """Read a TOML file or a preset's name, then change it as `with_settings` does.

        Raises:
            UserError: unknown preset or scenario, unreadable TOML, unknown or ill-typed field; or two
                scenarios clash.
        """
        return cls._changed(loading.read(source), settings, str(source))

    @classmethod
    def from_table(cls, table: Mapping[str, Any], source: str) -> "Experiment":
        return validated(cls, table, source)

    def with_settings(self, settings: Iterable[str]) -> "Experiment":
        """A copy with settings applied: the scenarios among them, `scenario=NAME`, then each `a.b=c`."""
        return self._changed(self.model_dump(), settings, "--set")

    @model_validator(mode="before")
    @classmethod
    def _with_new_names(cls, table: Any) -> Any:
        return with_new_names(table) if isinstance(table, Mapping) else table

    @classmethod
    def _changed(cls, table: dict[str, Any], settings: Iterable[str], source: str) -> "Experiment":
        sections = {
            "model": Model,
            "algorithm": Algorithm,
            "partition": Partition,
            "engine": Engine,
        }
        asked = loading.changed(table, settings, sections, cls.from_table)
        return cls.from_table(asked, source)

    def to_toml(self) -> str:
        """The resolved experiment; `Experiment.load` of it gives an equal one."""
        return tomli_w.dumps(self.model_dump())
