"""The whole configuration of a run: the dataclasses of all parts in one, and the one place where it is parsed."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from meter.data import DatasetConfig, has_images
from meter.disc import DiscriminatorConfig
from meter.enum_fields import EnumFields
from meter.errors import InputError
from meter.evaluate.generate import EvaluationConfig
from meter.model import Mask, ModelConfig
from meter.storage.fingerprint import fingerprint, plain
from meter.tracking import LogConfig
from meter.train.devices import DeviceConfig
from meter.train.loop import TrainConfig
from meter.train.matcher import MatcherConfig
from meter.train.matching import MatchingConfig
from meter.train.objective import DiscriminatorTraining, ObjectiveConfig, SentenceGradient
from meter.train.optimizer import OptimizerConfig
from meter.train.systems import BASELINES, BaselinesConfig, SystemKind
from meter.train.vqgan import PretrainConfig
from meter.vq import VQConfig

Config = TypeVar("Config")


@dataclass(kw_only=True, slots=True)
class RunConfig(EnumFields):
    """Everything that decides a run. Defaults are the paper's; where it is silent, ours (docs/deviations.md)."""

    name: str = "meter"
    """Begins the run folder's name; an experiment sets its own."""
    seed: int = 0
    """Seeds the joint training: weights, order, dropout, samples."""
    data_seed: int = 0
    """Seeds what runs over several seeds share: the world, splits, choice of photos, VQ-GAN."""
    cache: str = "cache"
    """Folder of the stages that runs share: prepared data, photos, VQ-GANs, codes."""
    runs: str = "runs"
    """Folder of the run folders."""
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    """What is read."""
    vq: VQConfig = field(default_factory=VQConfig)
    """The VQ-GAN's shape."""
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    """The VQ-GAN's training."""
    system: SystemKind = SystemKind.meter
    """What is trained."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """The transformer's shape."""
    baselines: BaselinesConfig = field(default_factory=BaselinesConfig)
    """The shapes of the systems that it is compared with."""
    disc: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    """The discriminator's shape."""
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    """J and its weights."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """How weights are moved."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """How long."""
    matching: MatchingConfig = field(default_factory=MatchingConfig)
    """How the matcher, and D where it learns first, learn from true pairs."""
    matcher: MatcherConfig = field(default_factory=MatcherConfig)
    """The network that measures text–image match."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """What is generated and measured."""
    device: DeviceConfig = field(default_factory=DeviceConfig)
    """Where it computes."""
    log: LogConfig = field(default_factory=LogConfig)
    """Where metrics go besides the run folder."""

    @property
    def has_feature(self) -> bool:
        """Whether the system is given the feature word."""
        baseline = BASELINES.get(self.system)
        return self.model.has_feature if baseline is None else baseline.needs_feature

    @property
    def draws_pictures(self) -> bool:
        """Whether an explanation has a picture: one that is learned, or retrieval's, wherever there are photos."""
        if self.system is SystemKind.retrieval:
            return self.dataset.use_images is not False
        return self.objective.uses_pictures

    @property
    def reads_pictures(self) -> bool:
        """Whether photos are turned into codes: for pictures, or to hand in their features."""
        return self.draws_pictures or self.model.picture_features


BESIDE_THE_RESULT = ("cache", "runs", "log", "device", "evaluation.extra_metrics", "evaluation.optimized")
"""Fields that do not decide what a run computes: they may change when a run is resumed, or measured again."""


def run_hash(config: RunConfig) -> str:
    """Names what a run computes: 64 hex digits over all fields but those beside the result."""
    values = plain(config)
    for key in BESIDE_THE_RESULT:
        *sections, field_name = key.split(".")
        holder = values
        for section in sections:
            holder = holder[section]
        del holder[field_name]
    return fingerprint(values)


def config_dir() -> Path:
    """The folder of YAML files: inside the installed package, else beside it in a checkout."""
    inside = Path(__file__).parent / "configs"
    return inside if inside.exists() else Path(__file__).parents[1] / "configs"


def register(name: str, schema: type) -> None:
    """Tells Hydra the dataclass that the config of this name is checked against."""
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(name=f"{name}_schema", node=schema)


def parse(composed: Any, schema: type[Config] = RunConfig) -> Config:
    """Turns what Hydra composed into typed objects and refuses combinations that cannot work.

    Raises InputError with the field, its value and what to set instead.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        config = OmegaConf.to_object(composed)
    except OmegaConfBaseException as fault:
        raise InputError(str(fault).splitlines()[0]) from fault
    assert isinstance(config, schema)
    if isinstance(config, RunConfig):
        check(config)
    return config


def read_config(path: Path) -> RunConfig:
    """Reads the ``config.yaml`` of a run. Raises InputError where it is not one."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if not path.exists():
        raise InputError(f"{path} is missing: {path.parent} is not a run folder")
    try:
        return parse(OmegaConf.merge(OmegaConf.structured(RunConfig), OmegaConf.load(path)))
    except OmegaConfBaseException as fault:
        raise InputError(f"{path}: {str(fault).splitlines()[0]}") from fault


def known_keys(schema: type = RunConfig) -> list[str]:
    """Every key that a command line may set, dotted."""
    return list(_dotted(plain(schema()), ""))


def nearest_key(key: str, known: Iterable[str]) -> str | None:
    """The right key that a mistyped one most likely means; None where nothing is near."""
    candidates = list(known)
    near = get_close_matches(key, candidates, n=1, cutoff=0.5)
    if near:
        return near[0]
    by_last_part = {candidate.rsplit(".", 1)[-1]: candidate for candidate in candidates}
    near = get_close_matches(key.rsplit(".", 1)[-1], by_last_part, n=1, cutoff=0.6)
    return by_last_part[near[0]] if near else None


def _dotted(values: dict[str, Any], prefix: str) -> Iterable[str]:
    for name, value in values.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{name}.")


def settle_pictures(config: RunConfig) -> RunConfig:
    """Decides ``dataset.use_images=null`` by the raw files; without photos, no visual loss and no discriminator.

    Returns the config that a run computes with, and is named after.
    """
    if config.dataset.use_images is not None:
        return config
    pictures = has_images(config.dataset)
    objective = config.objective if pictures else replace(config.objective, alpha=0.0, lambda_d=0.0)
    settled = replace(config, dataset=replace(config.dataset, use_images=pictures), objective=objective)
    _check_picture_features(settled)
    return settled


def check(config: RunConfig) -> None:
    """Refuses values that contradict each other. Raises InputError naming both and what to set instead."""
    objective = config.objective
    config.evaluation.decoding.check("evaluation.decoding")
    decay = config.optimizer.ema_decay
    if decay is not None and not 0 < decay < 1:
        raise InputError(f"optimizer.ema_decay: expected a number between 0 and 1, or null, found {decay}")
    if not 0 <= objective.label_smoothing < 1:
        raise InputError(
            f"objective.label_smoothing: expected a share from 0 to below 1, found {objective.label_smoothing}"
        )
    if config.model.mask is Mask.literal and config.evaluation.generate:
        raise InputError(
            "model.mask=literal leaks the future and cannot generate: set evaluation.generate=false to train it, "
            "or model.mask=peter"
        )
    if objective.uses_pictures and config.dataset.use_images is False:
        raise InputError(
            f"objective.alpha={objective.alpha} and objective.lambda_d={objective.lambda_d} need pictures, but "
            "dataset.use_images=false: set both to 0, or use pictures"
        )
    _check_picture_features(config)
    if config.system in BASELINES and (objective.uses_pictures or config.model.picture_features):
        raise InputError(
            f"system={config.system.name} learns nothing from pictures: set objective.alpha=0, objective.lambda_d=0 "
            "and model.picture_features=false"
        )
    if objective.lambda_d > 0:
        _check_matching(config)
    if config.model.heads < 1 or config.model.width % config.model.heads:
        raise InputError(
            f"model.width={config.model.width} is not a multiple of model.heads={config.model.heads}"
        )
    for name in ("num_users", "num_items", "num_words", "num_codes", "text_length"):
        if getattr(config.model, name):
            raise InputError(
                f"model.{name}={getattr(config.model, name)}: the data decides this; leave it out"
            )


def _check_matching(config: RunConfig) -> None:
    """Refuses readings of L_d that leave D, or the transformer, nothing to learn from."""
    objective = config.objective
    held = objective.discriminator_training is DiscriminatorTraining.held
    if not config.model.has_feature:
        if objective.borrowed_features:
            raise InputError(
                "objective.borrowed_features=true borrows feature words, but model.has_feature=false: set one of "
                "them the other way"
            )
        if config.disc.gated:
            raise InputError(
                "disc.gated=true reads feature words, but model.has_feature=false: set one of them the other way"
            )
    if not objective.own_pairs and not objective.borrowed_features:
        raise InputError(
            "objective.own_pairs=false and objective.borrowed_features=false leave nothing for "
            f"objective.lambda_d={objective.lambda_d} to weigh: set one of them to true, or lambda_d to 0"
        )
    whole = objective.sentence_gradient is not SentenceGradient.relaxed
    if whole and not (objective.borrowed_features and held and objective.num_samples >= 1):
        raise InputError(
            f"objective.sentence_gradient={objective.sentence_gradient.value} samples sentences about borrowed "
            "features, which D does not learn from: set objective.borrowed_features=true, "
            "objective.discriminator_training=held and objective.num_samples to 1 or more"
        )
    if not (held or objective.generated_negatives or objective.mismatched_negatives):
        raise InputError(
            "objective.generated_negatives=false and objective.mismatched_negatives=false leave D nothing to tell "
            "true pairs from: set one of them to true, or objective.discriminator_training=held"
        )


def _check_picture_features(config: RunConfig) -> None:
    if config.model.picture_features and config.dataset.use_images is False:
        raise InputError(
            "model.picture_features=true hands in features of photos, but there are none (dataset.use_images=false): "
            "set it to false, or use pictures"
        )
