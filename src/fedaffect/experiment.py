"""An experiment: everything that decides a run's numbers, typed, validated, written as TOML.

Values come from four places, the later winning: the defaults below, a preset or a TOML file, scenarios (parts
of an experiment, which compose), and settings, `section.name=value`, among which `scenario=NAME` may stand.
A model's and an algorithm's own settings stand in their files (`SDT.Settings`, `FedMPD.Settings`); here they
pass through as extra keys of their section.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from fedaffect.errors import UserError

SYNTHETIC = "synthetic"
SCENARIO = "scenario"
M = TypeVar("M", bound=BaseModel)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class OpenSection(Section):
    """A section whose further keys belong to the class that its `name` finds."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @property
    def settings(self) -> dict[str, Any]:
        """The keys beside `name`, to be validated by the class they are meant for."""
        return dict(self.__pydantic_extra__ or {})


class Features(Section):
    """Which features take part, and how raw columns are scaled before a model sees them.

    `federated`: zero mean and unit variance by statistics that the clients sum up together in a first
    exchange: those of the pooled training part, but that `person` counts a conversation once for each of its
    people, and that a client with a single utterance of a modality keeps it to itself. `none`: as stored.
    Images are always as stored: the model that reads them scales them.
    """

    standardise: Literal["federated", "none"] = "federated"
    modalities: tuple[str, ...] = Field((), description="which take part; all where none is named")


class Partition(Section):
    """How the training part of a corpus is shared out among clients; no conversation is cut.

    `clients` is ignored by `person` (one client a person) and `session` (one for those who talk together).
    """

    name: Literal[
        "iid", "dirichlet", "volume", "volume_and_labels", "person", "session", "random_classes"
    ] = "iid"
    clients: int = Field(20, ge=1, le=1_000_000)
    alpha: float = Field(0.5, gt=0, description="Dirichlet concentration; small = unequal")
    shots: int = Field(0, ge=0, description="labels a client has of each class; 0 = all it holds")


class Model(OpenSection):
    name: str = "sdt"


class Start(Section):
    """The model that everybody starts from."""

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
        "local", description="rare classes count more: by a client's own labels, or by everybody's"
    )
    logit_adjustment: Literal["none", "local", "federated"] = Field(
        "none",
        description="keep a client's own mixture of labels out of what it learns: predict as if classes were "
        "equally frequent (local), or as frequent as with everybody (federated: clients tell how frequent "
        "each is with them); without class weights",
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
    def asks_everybody(self) -> bool:
        """Whether clients tell how frequent each class is with them."""
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
    hit at a low rate is hit at a higher one too. docs/conditions.md says exactly what each does.
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
    spoilt_pictures: float = Field(
        0.0,
        ge=0,
        le=1,
        description="how often a picture of the training part is dark, shaky, covered, ...",
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
        description="judge and keep a running mean of the global model: how much of the old stays",
    )
    best_test: bool = Field(
        False,
        description="tell the best test score of all rounds too, as much of the literature does; "
        "nothing is chosen by it",
    )
    target: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="a dev weighted F1: tell the rounds and bytes until it is first reached; 0 = none",
    )
    evaluate_every: int = Field(1, ge=1, description="rounds from one dev score to the next")
    checkpoint_every: int = Field(1, ge=1, description="rounds that a killed run loses at most")
    quorum: float = Field(0.5, ge=0, le=1, description="fraction of the cohort that must answer")
    record: Literal["clients", "rounds", "ends"] = Field(
        "clients",
        description="what events.jsonl tells: of every client in a round, of rounds, of begin and end only",
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


class Engine(Section):
    """Where client work runs. Figures do not depend on it."""

    name: Literal["local"] = "local"
    workers: int = Field(1, ge=1, le=256, description="processes, one thread each")


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
        return cls.from_table(_changed(_read(source, "preset"), settings), str(source))

    @classmethod
    def from_table(cls, table: Mapping[str, Any], source: str) -> "Experiment":
        return validated(cls, table, source)

    def with_settings(self, settings: Iterable[str]) -> "Experiment":
        """A copy with settings applied: the scenarios among them, `scenario=NAME`, then each `a.b=c`."""
        return self.from_table(_changed(self.model_dump(), settings), "--set")

    def to_toml(self) -> str:
        """The resolved experiment; `Experiment.load` of it gives an equal one."""
        return tomli_w.dumps(self.model_dump())


def validated(schema: type[M], table: Mapping[str, Any], source: str) -> M:
    """`schema(**table)`, with pydantic's complaint turned into one line for a person.

    Raises:
        UserError: naming `source`, the first offending field and what it may be.
    """
    try:
        return schema.model_validate(dict(table))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        reason = first["msg"].removeprefix("Value error, ").replace("Field required", "is missing")
        if not field:  # of several fields at once, which the reason names
            raise UserError(f"{source}: {reason}") from None
        if first["type"] == "extra_forbidden":
            known = ", ".join(_known(schema, first["loc"][:-1]))
            reason = "no such setting" + (f"; known here: {known}" if known else "")
        given = "" if first["type"] == "missing" else f" (given: {first['input']!r})"
        raise UserError(f"{source}: {field}: {reason}{given}") from None


def _known(schema: type[BaseModel], path: Iterable[int | str]) -> list[str]:
    """The fields of the section at `path`; none where that is no section."""
    for name in path:
        inner = schema.model_fields[str(name)].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        schema = inner
    return sorted(schema.model_fields)


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} → {"a.b": 1}."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def presets() -> list[str]:
    """Names that `fedaffect run NAME` understands."""
    return _names("preset")


def scenarios() -> list[str]:
    """Names that `fedaffect run --scenario NAME` understands."""
    return _names(SCENARIO)


def _names(kind: str) -> list[str]:
    folder = resources.files("fedaffect") / f"{kind}s"
    return sorted(
        p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml")
    )


def _read(source: str | Path, kind: str) -> dict[str, Any]:
    """A TOML file, or one of the package's presets or scenarios by name."""
    path, known = Path(source), _names(kind)
    if str(source) in known:
        text = (resources.files("fedaffect") / f"{kind}s" / f"{source}.toml").read_text("utf-8")
    elif path.suffix == ".toml":
        if not path.is_file():
            raise UserError(f"{path}: no such {'experiment' if kind == 'preset' else kind} file")
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: not UTF-8 ({error.reason}); save it as UTF-8") from None
    else:
        raise UserError(
            f"{source}: no such {kind}; give a .toml file or one of: {', '.join(known)}"
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{source}: not valid TOML: {error}") from None


def _changed(table: dict[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """The table of an experiment, changed in place: by scenarios, then by single settings."""
    named, single = list[str](), list[tuple[str, str, str]]()
    for setting in settings:
        path, separator, text = (part.strip() for part in setting.partition("="))
        if path == SCENARIO and text:
            named.append(text)
        elif not separator or not path.rpartition(".")[2]:
            raise UserError(f"--set {setting}: write it as section.name=value")
        else:
            single.append((setting, path, text))
    for name, path, value in _composed(named):
        _put(table, path, value, f"scenario {name}")
    for setting, path, text in single:
        _put(table, path, _value(text), f"--set {setting}")
    return table


def _composed(names: Iterable[str]) -> list[tuple[str, str, Any]]:
    """(scenario, field, value) of all that the scenarios set; they may agree, but not clash."""
    found: dict[str, tuple[str, Any]] = {}
    for name in names:
        table = _read(name, SCENARIO)
        validated(Experiment, table, f"scenario {name}")
        for path, value in flat(table).items():
            first, before = found.setdefault(path, (name, value))
            if before != value:
                raise UserError(
                    f"scenarios {first} and {name} clash: one sets {path} to {before!r}, the other to "
                    f"{value!r}; leave one out"
                )
    return [(name, path, value) for path, (name, value) in found.items()]


def _put(table: dict[str, Any], path: str, value: Any, source: str) -> None:
    *sections, name = path.split(".")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise UserError(f"{source}: `{section}` is a value, not a section")
    table[name] = value


def _value(text: str) -> Any:
    """TOML where it is TOML (`3`, `0.1`, `true`, `["a"]`), a plain string otherwise."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
