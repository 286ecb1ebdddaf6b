"""Every config composes, the paper's sizes are what they are, and a typo ends in one line with status 2."""

import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from meter.cli import check_overrides
from meter.config import (
    RunConfig,
    config_dir,
    known_keys,
    nearest_key,
    parse,
    read_config,
    register,
)
from meter.errors import InputError
from meter.model import Mask
from meter.run_folder import RunFolder
from meter.train.loop import EarlyStop
from meter.train.optimizer import OptimizerKind
from tests.conftest import ROOT

DATASETS = sorted(path.stem for path in (config_dir() / "dataset").glob("*.yaml"))
ABLATIONS = sorted(path.stem for path in (config_dir() / "ablation").rglob("*.yaml"))
CODECS = sorted(path.stem for path in (config_dir() / "codec").rglob("*.yaml"))
SYSTEMS = sorted(path.stem for path in (config_dir() / "system").rglob("*.yaml"))
EXPERIMENTS = sorted(path.stem for path in (config_dir() / "experiment").rglob("*.yaml"))


def composed(*overrides: str) -> RunConfig:
    register("train", RunConfig)
    with initialize_config_dir(version_base="1.3", config_dir=str(config_dir())):
        return parse(compose("train", overrides=list(overrides)))


@pytest.mark.parametrize(("dataset", "experiment"), list(itertools.product(DATASETS, [None, *EXPERIMENTS])))
def test_every_dataset_composes_with_every_experiment(dataset: str, experiment: str | None) -> None:
    config = composed(f"dataset={dataset}", *([f"experiment={experiment}"] if experiment else []))
    assert config.dataset.name == dataset
    config.vq.image_size = config.dataset.image_size
    config.vq.check()


@pytest.mark.parametrize(
    ("codec", "pixels_a_code", "num_codes"),
    [("f16_1024", 16, 1024), ("f16_16384", 16, 16384), ("f8_1024", 8, 1024), ("f8_16384", 8, 16384)],
)
def test_codecs_are_what_they_are_called(codec: str, pixels_a_code: int, num_codes: int) -> None:
    assert codec in CODECS
    for dataset, size in itertools.product(DATASETS, (128, 256)):
        config = composed(f"dataset={dataset}", f"codec={codec}", f"dataset.image_size={size}")
        config.vq.image_size = size
        config.vq.check()
        assert (config.vq.factor, config.vq.num_codes) == (pixels_a_code, num_codes)
        assert (config.pretrain.disc_weight, config.pretrain.disc_start) == (0.8, 10_000)


@pytest.mark.parametrize("ablation", ABLATIONS)
def test_every_ablation_names_its_runs(ablation: str) -> None:
    assert composed(f"ablation={ablation}").name == ("meter" if ablation == "none" else ablation)


def test_ablations_change_what_they_say() -> None:
    whole = composed("ablation=none")
    assert whole == composed()
    assert not composed("ablation=no_pictures").objective.uses_pictures
    assert composed("ablation=no_discriminator").objective == replace(whole.objective, lambda_d=0.0)
    assert composed("ablation=literal_mask").evaluation.generate is False


@pytest.mark.parametrize("system", ["meter", "peter_plus"])
def test_picture_features_are_read_and_not_drawn(system: str) -> None:
    config = composed(f"system={system}", "ablation=picture_features")
    assert config.reads_pictures
    assert not config.objective.uses_pictures
    assert not composed("ablation=no_pictures").reads_pictures


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_names_its_runs(system: str) -> None:
    assert composed(f"system={system}").name == system


def test_meter_is_what_is_trained_where_no_system_is_named() -> None:
    assert composed() == composed("system=meter")
    assert composed("experiment=smoke", "system=meter").name == "smoke"


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_peter_is_trained_as_its_code_does_in_every_experiment(experiment: str) -> None:
    """An experiment decides sizes and world; the system decides what is trained and how."""
    config = composed(f"experiment={experiment}", "system=peter")
    assert (config.optimizer.kind, config.optimizer.learning_rate) == (OptimizerKind.peter_sgd, 1.0)
    assert (config.train.early_stop, config.train.epochs) == (EarlyStop.peter, 100)
    assert not config.model.has_feature
    assert composed(f"experiment={experiment}", "system=peter_plus").model.has_feature
    assert config.model.width == composed(f"experiment={experiment}").model.width


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_may_be_trained_as_meter_is_on_real_reviews(system: str) -> None:
    own = composed("experiment=hour", f"system={system}")
    config = composed("experiment=hour", f"system={system}", "training=averaged_adamw")
    meter = composed("experiment=hour")
    assert config.optimizer == meter.optimizer
    assert replace(config.train, epochs=5) == meter.train
    assert (config.name, config.system, config.objective) == (own.name, own.system, own.objective)
    assert replace(config.model, dropout=own.model.dropout) == own.model


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("experiment=peter", "system=peter"),
        ("experiment=peter_plus", "system=peter_plus"),
        ("ablation=peter", "system=peter"),
        ("ablation=peter_plus", "system=peter_plus"),
        ("ablation=full", "ablation=none"),
        ("ablation=no_pictures,full", "ablation=none"),
    ],
)
def test_spellings_of_earlier_releases_answer_with_the_new_one(old: str, new: str) -> None:
    register("train", RunConfig)
    with pytest.raises(InputError, match=rf"is now {new}$"):
        check_overrides([old], RunConfig, "train")
    composed(new)


def test_claims_sweep_every_ablation_over_five_seeds() -> None:
    register("train", RunConfig)
    with initialize_config_dir(version_base="1.3", config_dir=str(config_dir())):
        swept = compose(
            "train", overrides=["experiment=claims"], return_hydra_config=True
        ).hydra.sweeper.params
    assert swept == {"ablation": "glob(*)", "seed": "range(5)"}


@pytest.mark.parametrize("dataset", ["tripadvisor", "yelp"])
def test_the_dataset_alone_picks_the_papers_sizes(dataset: str) -> None:
    """Decision D12."""
    config = composed(f"dataset={dataset}")
    assert (config.model.width, config.model.layers, config.model.heads) == (512, 2, 2)
    assert (config.model.feedforward, config.model.dropout) == (2048, 0.2)
    assert (config.dataset.text_length, config.dataset.vocabulary_size) == (15, 20_000)
    assert (config.dataset.image_size, config.vq.num_codes, config.vq.patch) == (256, 1024, 1)
    assert config.vq.factor == 16
    objective = config.objective
    assert (objective.lambda_r, objective.lambda_c, objective.lambda_e) == (0.1, 1.0, 1.0)
    assert (objective.lambda_d, objective.alpha) == (0.1, 1.0)
    assert config.model.mask is Mask.peter


def test_an_experiment_wins_over_the_dataset_and_the_command_line_over_both() -> None:
    assert composed("experiment=smoke").dataset.image_size == 32
    assert composed("experiment=smoke", "dataset.image_size=48").dataset.image_size == 48


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.heds=4", "there is no key model.heds; did you mean model.heads?"),
        ("objective.lamda_d=1", "there is no key objective.lamda_d; did you mean objective.lambda_d?"),
        ("lambda_d=1", "did you mean objective.lambda_d?"),
        ("model.width=abc", "Value 'abc' of type 'str' could not be converted to Integer"),
        ("model.mask=petre", "petre"),
        ("dataset=tripadviser", "did you mean dataset=tripadvisor?"),
        ("experiment=smok", "did you mean experiment=smoke?"),
        ("model.heads=3", "model.width=128 is not a multiple of model.heads=3"),
        ("model.mask=literal", "model.mask=literal leaks the future"),
        ("dataset.use_images=false", "need pictures, but dataset.use_images=false"),
        ("model.num_users=3", "model.num_users=3: the data decides this"),
        ("objective.lamda_d=0,1", "did you mean objective.lambda_d?"),
    ],
)
def test_a_mistake_is_named_with_what_to_do(override: str, message: str) -> None:
    register("train", RunConfig)
    with pytest.raises(InputError) as caught:
        check_overrides([override], RunConfig, "train")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_without_feature_words_has_none_to_borrow() -> None:
    with pytest.raises(InputError, match=r"borrowed_features=true borrows.*has_feature=false"):
        composed("objective.borrowed_features=true", "model.has_feature=false")


@pytest.mark.parametrize(
    "override", ["objective.label_smoothing=1", "optimizer.ema_decay=1", "optimizer.ema_decay=0"]
)
def test_shares_that_mean_nothing_are_refused(override: str) -> None:
    key, _, value = override.partition("=")
    with pytest.raises(InputError, match=rf"{key}: expected .*found {value}"):
        composed(override)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ("disc.gated=true", "objective.borrowed_features=false", "model.has_feature=false"),
            "disc.gated=true",
        ),
        (
            ("objective.own_pairs=false", "objective.borrowed_features=false"),
            "leave nothing for .*lambda_d=0.1",
        ),
        (
            ("objective.sentence_gradient=self_critical", "objective.borrowed_features=false"),
            "samples sentences",
        ),
        (
            ("objective.sentence_gradient=best_of_samples", "objective.num_samples=0"),
            "num_samples to 1 or more",
        ),
        (
            ("objective.discriminator_training=joint", "objective.generated_negatives=false"),
            "leave D nothing to tell true pairs from",
        ),
    ],
)
def test_a_reading_of_l_d_that_teaches_nothing_is_refused_only_where_l_d_counts(
    overrides: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        composed(*overrides)
    composed(*overrides, "objective.lambda_d=0")


def test_features_of_photos_need_photos() -> None:
    with pytest.raises(InputError, match=r"picture_features=true hands in .*use_images=false"):
        composed("ablation=picture_features", "dataset.use_images=false")


def test_a_pattern_is_checked_by_the_first_file_of_its_group() -> None:
    register("train", RunConfig)
    check_overrides(["-m", "ablation=glob(no_*)", "experiment=smoke"], RunConfig, "train")


def test_a_sweep_is_checked_by_its_first_values() -> None:
    register("train", RunConfig)
    check_overrides(["-m", "objective.lambda_d=0,0.1", "experiment=smoke"], RunConfig, "train")


def test_the_nearest_key_is_found_or_nothing() -> None:
    assert nearest_key("optimiser.learning_rate", known_keys()) == "optimizer.learning_rate"
    assert nearest_key("zzzzqqqq", known_keys()) is None


def test_the_run_folder_is_a_function_of_what_is_computed() -> None:
    def path(*overrides: str) -> Path:
        return RunFolder.of(composed("experiment=smoke", *overrides)).path

    assert path() == path("log.wandb=offline", "device.devices=2")
    assert path() != path("objective.lambda_d=0")
    assert path() != path("seed=1")


def test_a_config_survives_its_yaml(tmp_path) -> None:
    config = composed("experiment=smoke", "model.mask=prefix")
    RunFolder(tmp_path).save_config(config)
    assert read_config(tmp_path / "config.yaml") == config
    with pytest.raises(InputError, match="is not a run folder"):
        read_config(tmp_path / "nothing.yaml")


def test_importing_the_model_loads_no_hydra_no_wandb_no_lightning() -> None:
    script = (
        "import sys, meter, meter.model, meter.vq, meter.disc, meter.evaluate, meter.data; "
        "print([name for name in ('hydra', 'omegaconf', 'wandb', 'lightning_fabric', 'pytorch_lightning', "
        "'matplotlib', 'taming') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_evaluate_imports_no_network() -> None:
    script = "import sys, meter.evaluate; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


@pytest.mark.parametrize("module", ["train", "vq", "prepare", "evaluate", "explain"])
def test_every_command_shows_its_config(module: str) -> None:
    command = [sys.executable, "-m", f"meter.{module}", "--cfg", "job"]
    found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert found.returncode == 0, found.stderr
    assert "run" in found.stdout


@pytest.mark.parametrize("module", ["train", "vq", "prepare", "evaluate", "explain", "compare"])
def test_every_command_says_how_it_is_used(module: str) -> None:
    command = [sys.executable, "-m", f"meter.{module}", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert shown.startswith("METER")
    assert f"python -m meter.{module} " in shown
    systems = "system: att2seq, meter, nete, nrt, peter, peter_plus, retrieval"
    assert (systems in shown) == (module in ("train", "vq", "prepare"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["meter.train", "model.heds=4"],
        ["meter.prepare", "dataset=tripadvisor", "dataset.root=nowhere"],
        ["meter.evaluate", "run=nowhere"],
        ["meter.explain", "run=nowhere", "user=u", "item=i"],
    ],
)
def test_what_the_user_got_wrong_is_one_line_and_status_2(arguments: list[str], tmp_path) -> None:
    command = [sys.executable, "-m", *arguments]
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert found.returncode == 2
    assert found.stderr.startswith("error: ")
    assert found.stderr.count("\n") == 1
    assert "Traceback" not in found.stderr
