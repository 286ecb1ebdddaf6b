"""NRT, Att2Seq, NETE and retrieval through the whole pipeline, from training to comparison and explanation."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

import meter
from meter.baselines import Baseline, Retrieval
from meter.compare import compare
from meter.config import RunConfig, settle_pictures
from meter.data import prepare
from meter.errors import InputError
from meter.model import Meter
from meter.pipeline import run
from meter.run_folder import RunFolder
from meter.storage.pretrained import WEIGHTS, read_tensors
from meter.train.batches import Batch
from meter.train.build import make_phase_networks
from meter.train.loop import EarlyStop, JointTraining
from meter.train.optimizer import OptimizerConfig, OptimizerKind, make_optimizer
from meter.train.systems import NETWORKS
from tests.commands.test_config import composed
from tests.commands.test_pipeline import CPU

SYSTEMS = [kind.name for kind in NETWORKS]
ALL = [*SYSTEMS, "retrieval"]
WORLD = ("num_hotels=8", "num_restaurants=8", "num_users=12", "reviews_per_item=8", "photos_per_item=2")
SMALL = (
    "dataset.image_size=32",
    *(f"dataset.world.{size}" for size in WORLD),
    "vq={channels: 32, num_residual_blocks: 1, latent_width: 32, code_width: 8, num_codes: 16}",
    "pretrain={steps: 10, batch_size: 8, codebook_start: 4}",
    "matching.epochs=2",
    "baselines.nrt={width: 8, hidden: 12}",
    "baselines.att2seq={attribute_width: 4, word_width: 8, hidden: 8}",
    "baselines.nete={width: 8, rating_hidden: 8, hidden: 8, fusion_width: 8}",
    "optimizer.learning_rate=1e-3",
    "train.batch_size=16",
    "train.epochs=2",
    "train.checkpoint_every=5",
    "train.log_every=2",
    "evaluation.gallery=4",
    *CPU,
)


def config_of(system: str, folder: Path) -> RunConfig:
    return composed(f"system={system}", *SMALL, f"cache={folder / 'cache'}", f"runs={folder / 'runs'}")


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, RunFolder]:
    """Every baseline, run once."""
    folder = tmp_path_factory.mktemp("workplace")
    configs = {system: config_of(system, folder) for system in ALL}
    for config in configs.values():
        run(config)
    return {system: RunFolder.of(settle_pictures(config)) for system, config in configs.items()}


@pytest.mark.parametrize("system", ALL)
def test_a_baseline_is_measured_and_reported_as_any_other_system(
    runs: dict[str, RunFolder], system: str
) -> None:
    folder = runs[system]
    metrics = folder.metrics
    rated = system != "att2seq"
    drawn = system == "retrieval"
    for split in ("test", "unseen"):
        assert set(metrics[split]) >= {"text", "text_peter_compat", "diversity", "truth"}
        for section in ("rating", "rating_peter_compat", "rating_floor", "coherence"):
            assert (section in metrics[split]) == rated
        assert ("match" in metrics[split]) == drawn
        assert (metrics[split]["truth"]["picture_truth"] is not None) == drawn
    assert ("vq" in metrics) == drawn
    assert "sentences" in metrics["diagnosis"]
    assert "attention" not in metrics["diagnosis"]
    assert ("input_importance" in metrics["diagnosis"]) == (system in SYSTEMS)
    page = folder.report_file.read_text(encoding="utf-8")
    assert page.count("<article") >= 4
    assert ("no rating, which this system does not predict" in page) == (not rated)
    assert ("no rating predicted" in page) == (not rated)
    assert run(folder.config, folder) == metrics, "done already, and found again"


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_inputs_of_a_baseline_are_swapped(runs: dict[str, RunFolder], system: str) -> None:
    metrics = runs[system].metrics
    swapped = [one["swapped"] for one in metrics["diagnosis"]["input_importance"]["text"]]
    assert swapped == (["user", "item", "feature"] if system == "nete" else ["user", "item"])


@pytest.mark.parametrize("system", ALL)
def test_a_baseline_explains_as_its_evaluation_did(
    runs: dict[str, RunFolder], system: str, tmp_path: Path
) -> None:
    first = runs[system].generations[0]
    explainer = meter.load(runs[system].path)
    told = {"user": first.user, "item": first.item}
    if system in ("nete", "retrieval"):
        with pytest.raises(InputError, match=rf"feature=… is missing: {system} does not say which"):
            explainer.explain(**told)
        told["feature"] = first.feature
    card = explainer.explain(**told)
    assert card.text == first.text
    assert card.rating == pytest.approx(first.predicted_rating, abs=1e-5)
    assert (card.image is not None) == (system == "retrieval")
    assert system == "retrieval" or card.match is None
    assert card.context == []
    assert ("no rating predicted" in card.to_text()) == (system == "att2seq")
    assert card.save(tmp_path / "card.png").stat().st_size > 0
    assert ("no rating predicted" in card.save(tmp_path / "card.html").read_text()) == (system == "att2seq")


def test_the_pictures_of_retrieval_are_photos_of_training_records(runs: dict[str, RunFolder]) -> None:
    """As the VQ-GAN writes them; the saved run chooses those that its evaluation did."""
    folder = runs["retrieval"]
    model = folder.model
    assert isinstance(model, Retrieval)
    assert model.photos is not None
    photos: dict[int, list[list[int]]] = {}
    for item, codes in zip(model.photos.items.tolist(), model.photos.codes.tolist(), strict=True):
        photos.setdefault(item, []).append(codes)
    prepared = prepare(folder.config.dataset, Path(folder.config.cache), folder.config.data_seed)
    shown = {
        (int(prepared.records.items[row]), int(prepared.records.photos[row]))
        for row in prepared.splits["train"]
    }
    (encoded,) = Path(folder.config.cache).rglob("codes.npy")
    written = np.load(encoded)
    assert all(written[photo].tolist() in photos[item] for item, photo in shown)
    known = [
        generation for generation in folder.generations if folder.names.items.index(generation.item) in photos
    ]
    assert known
    assert all(one.codes in photos[folder.names.items.index(one.item)] for one in known)
    rows = [generation.row for generation in folder.generations]
    users, items, features = (
        torch.from_numpy(np.array(getattr(prepared.records, name)[rows], dtype=np.int64))
        for name in ("users", "items", "features")
    )
    again = model.generate(users, items, features).codes
    assert again is not None
    codes = [one.codes or [-1] * again.shape[1] for one in folder.generations]
    assert again.tolist() == codes


def test_a_card_says_whether_its_picture_was_chosen_or_generated(runs: dict[str, RunFolder]) -> None:
    folder = runs["retrieval"]
    (one, *_) = (generation for generation in folder.generations if generation.codes is not None)
    card = meter.load(folder.path).explain(user=one.user, item=one.item, feature=one.feature)
    assert [caption for caption, _ in card.pictures] == ["chosen photo"]
    assert "chosen photo" in folder.report_file.read_text(encoding="utf-8")
    assert Meter.image_source == "generated"


def test_retrieval_does_without_photos(runs: dict[str, RunFolder], tmp_path: Path) -> None:
    config = config_of("retrieval", tmp_path)
    config.cache, config.dataset.use_images = runs["retrieval"].config.cache, False
    assert not config.reads_pictures
    metrics = run(config)
    folder = RunFolder.of(config)
    assert "vq" not in metrics
    assert "match" not in metrics["test"]
    assert {one.codes for one in folder.generations} == {None}
    assert not folder.matcher_folder.exists()


def test_baselines_stand_in_one_comparison(runs: dict[str, RunFolder]) -> None:
    compared = compare([str(folder.path) for folder in runs.values()], num_resamples=100)
    assert [system.label for system in compared.systems] == ALL
    (table,) = [table for table in compared.tables if table.split == "test"]
    rows = {row.key: row for row in table.rows}
    assert [cell.mean is None for cell in rows["rating.rmse"].cells] == [False, True, False, False]
    assert [cell.test is None for cell in rows["rating.rmse"].cells] == [True, True, False, False]
    assert rows["coherence.difference"].cells[1].mean is None
    assert rows["coherence.difference"].cells[1].test is None
    assert [cell.test is None for cell in rows["text.rouge_1.f"].cells] == [True, False, False, False]
    assert "att2seq: predicts no rating." in compared.notes
    assert "nrt: predicts no rating." not in compared.notes


def test_nete_is_trained_in_two_phases(runs: dict[str, RunFolder]) -> None:
    """The rating's weights are the best of the first phase, and its journal has no words; the second leaves them."""
    folder = runs["nete"]
    first = folder.of_phase("rating")
    lines = [line for line in first.journal.read() if line["kind"] == "validation"]
    assert lines
    assert all("rating" in line and "text" not in line for line in lines)
    before, after = (read_tensors(each.model_folder / WEIGHTS) for each in (first, folder))
    of_rating = [name for name in after if name.startswith("rating.")]
    assert of_rating
    assert all(torch.equal(before[name], after[name]) for name in of_rating)
    assert any(not torch.equal(before[name], after[name]) for name in after if name not in of_rating)
    ratings = {line["rating"] for line in folder.journal.read() if line["kind"] == "validation"}
    assert ratings == {min(line["rating"] for line in lines)}


def test_the_report_has_the_curves_of_every_phase(runs: dict[str, RunFolder]) -> None:
    page = runs["nete"].report_file.read_text(encoding="utf-8")
    first, then = page.index("<h3>First: the rating</h3>"), page.index("<h3>Then: the rest</h3>")
    assert (
        first < page.index("<strong>Rating loss</strong>") < then < page.index("<strong>Text loss</strong>")
    )
    assert "<h3>First" not in runs["nrt"].report_file.read_text(encoding="utf-8")


def test_a_training_is_called_by_its_name(
    runs: dict[str, RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of("nete", tmp_path)
    config.cache, config.train.epochs = runs["nete"].config.cache, 1
    named = []
    monkeypatch.setattr(JointTraining, "run", lambda training: named.append(training.log.name))
    with pytest.raises(InputError):  # nothing was trained, so there are no weights to go on from
        run(config)
    assert named == ["training of the rating"]
    assert set(runs["nrt"].manifest["seconds"]) >= {"training", "generation"}


class KilledError(Exception):
    """Stands for a kill: nothing is saved on the way out."""


@pytest.mark.parametrize(("system", "steps"), [("nrt", 7), ("att2seq", 7), ("nete", 7), ("nete", 20)])
def test_a_killed_training_goes_on_bit_for_bit(
    runs: dict[str, RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, steps: int
) -> None:
    """Killed between two checkpoints, in either phase of NETE, then run again by the same command."""
    whole, config = runs[system], config_of(system, tmp_path)
    config.cache = runs[system].config.cache
    folder = RunFolder.of(settle_pictures(config))
    take_step, taken = JointTraining.step, []

    def step(training: JointTraining, parts: list[Batch]) -> None:
        if len(taken) == steps:
            raise KilledError
        taken.append(training.files.checkpoint)
        take_step(training, parts)

    with monkeypatch.context() as patch:
        patch.setattr(JointTraining, "step", step)
        with pytest.raises(KilledError):
            run(config)
    assert (taken[-1] == folder.checkpoint_folder) == ((system, steps) != ("nete", 7))
    run(config)
    for phase in ("", "rating") if system == "nete" else ("",):
        ours, theirs = (each.of_phase(phase) for each in (folder, whole))
        weights = [read_tensors(each.model_folder / WEIGHTS) for each in (ours, theirs)]
        assert all(torch.equal(weights[0][name], weight) for name, weight in weights[1].items())
        assert without_times(ours) == without_times(theirs)
    assert folder.generations_file.read_bytes() == whole.generations_file.read_bytes()


def without_times(folder: RunFolder) -> list[dict[str, object]]:
    """The journal without how fast it was."""
    return [
        {name: value for name, value in line.items() if name != "words_per_second"}
        for line in folder.journal.read()
    ]


@pytest.mark.parametrize("dataset", ["synthetic", "tripadvisor", "yelp"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_baseline_is_trained_as_its_code_does(dataset: str, system: str) -> None:
    config = composed(f"dataset={dataset}", f"system={system}")
    assert not settle_pictures(config).reads_pictures, "however many photos there are"
    assert config.has_feature == (system == "nete")
    assert config.dataset == composed(f"dataset={dataset}").dataset
    assert (config.optimizer.kind, config.optimizer.learning_rate) == (OptimizerKind.adam, 1e-4)
    published = {
        "nrt": (200, None, EarlyStop.peter, 5),
        "att2seq": (50, 5.0, EarlyStop.peter, 5),
        "nete": (128, None, EarlyStop.patience, 1),
    }
    train = config.train
    assert published[system] == (train.batch_size, config.optimizer.clip, train.early_stop, train.patience)


@pytest.mark.parametrize("system", ALL)
def test_a_baseline_learns_nothing_from_pictures(system: str) -> None:
    with pytest.raises(
        InputError, match=rf"system={system} learns nothing from pictures: set objective.alpha=0"
    ):
        composed(f"system={system}", "objective.alpha=1")


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_users_table_of_a_baseline_may_decay_otherwise(system: str, runs: dict[str, RunFolder]) -> None:
    config = OptimizerConfig(kind=OptimizerKind.adamw, weight_decay=0.1, user_decay=20.0)
    model = runs[system].model
    assert isinstance(model, Baseline)
    fabric = Fabric(accelerator="cpu", devices=1)
    for phase in model.phases():
        optimizer = make_phase_networks(fabric, model, phase, config).transformer.optimizer
        (users,) = (group for group in optimizer.param_groups if group["weight_decay"] == 20.0)
        (table,) = users["params"]
        assert table.requires_grad
        assert len(table) == len(runs[system].names.users)


def test_adams_decay_is_the_gradient_of_the_squared_weights() -> None:
    """The first step by Adam on a loss plus decay · Σ ½‖θ‖², against Adam with that decay; the rate stays."""
    torch.manual_seed(0)
    module, plain = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    plain.load_state_dict(module.state_dict())
    config = OptimizerConfig(kind=OptimizerKind.adam, learning_rate=0.1, weight_decay=0.3)
    optimizers = make_optimizer(module, config), torch.optim.Adam(plain.parameters(), lr=0.1)
    inputs = torch.randn(5, 3)
    for _ in range(3):
        losses = [network(inputs).square().mean() for network in (module, plain)]
        losses[1] = losses[1] + 0.3 * sum(weight.square().sum() for weight in plain.parameters()) / 2
        for loss, optimizer in zip(losses, optimizers, strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.testing.assert_close(module.weight, plain.weight)
