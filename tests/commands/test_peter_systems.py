"""PETER's ways one by one: positions, scaling, shared head, first weights, early stop, and the experiments."""

import json
import math
from pathlib import Path

import pytest
import torch

import meter
from meter.model import EOS, PAD, Initialisation, Meter, Positions
from meter.model.embedding import sinusoids
from meter.storage.journal import Journal
from meter.train.loop import EarlyStop
from meter.train.objective import ObjectiveConfig
from meter.train.optimizer import OptimizerConfig, OptimizerKind
from tests.commands.test_config import composed
from tests.commands.test_pipeline import CPU, command
from tests.conftest import Inputs, small_config, small_inputs, small_model
from tests.model.generation.test_generate import plain_generate
from tests.model.test_peter import opened, plain_peter
from tests.train.test_loop import make_training


def test_sinusoids_by_hand() -> None:
    table = sinusoids(3, 4)
    for place in range(3):
        expected = [math.sin(place), math.cos(place), math.sin(place / 100), math.cos(place / 100)]
        assert table[place].tolist() == pytest.approx(expected, abs=1e-6)
    assert sinusoids(3, 5).shape == (3, 5)


def test_sinusoidal_positions_are_not_trained() -> None:
    model = small_model(positions=Positions.sinusoidal)
    assert torch.equal(model.embedding.positions.weight, sinusoids(11, 16))
    assert not model.embedding.positions.weight.requires_grad


def test_tokens_are_scaled_before_positions_are_added(inputs: Inputs) -> None:
    """√16 times every token, of pictures and BOI too, and one times its position."""
    plain, scaled = small_model(), small_model(scale_embeddings=True)
    scaled.load_state_dict(plain.state_dict())
    arguments = (inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    with torch.no_grad():
        axial = plain.embedding.visual.axial_positions()[:-1]
        positions = torch.cat([plain.embedding.positions.weight, axial])
        tokens = plain.embedding(*arguments) - positions
        torch.testing.assert_close(scaled.embedding(*arguments), 4 * tokens + positions)


def test_one_word_head_predicts_text_and_context(inputs: Inputs) -> None:
    own, shared = small_model(), small_model(shared_word_head=True)
    assert set(own.state_dict()) - set(shared.state_dict()) == {"heads.context.weight", "heads.context.bias"}
    arguments = (inputs.users, inputs.items, inputs.features, inputs.words)
    before = shared(*arguments)
    shift = torch.arange(50.0)
    with torch.no_grad():
        shared.heads.text.bias += shift
    after = shared(*arguments)
    torch.testing.assert_close(after.context, before.context + shift)
    torch.testing.assert_close(after.text, before.text + shift)


def test_peters_initialisation() -> None:
    torch.manual_seed(0)
    model = Meter(small_config(initialisation=Initialisation.peter, positions=Positions.sinusoidal, width=64))
    block, heads = model.transformer.blocks[0], model.heads
    bounds = [(weight, 0.1) for weight in model.embedding.parameters() if weight.requires_grad]
    bounds += [(weight, 0.1) for weight in heads.parameters() if weight.ndim > 1]
    bounds += [
        (block.attention.project_in.weight, math.sqrt(6 / (64 + 3 * 64))),
        (block.attention.project_out.weight, 1 / math.sqrt(64)),
        (block.feedforward[0].weight, 1 / math.sqrt(64)),
        (block.feedforward[0].bias, 1 / math.sqrt(64)),
        (block.feedforward[3].weight, 1 / math.sqrt(32)),
        (block.feedforward[3].bias, 1 / math.sqrt(32)),
    ]
    for weight, bound in bounds:
        assert 0.9 * bound < weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.2)
    zeros = [weight for name, weight in heads.named_parameters() if name.endswith("bias")]
    zeros += [block.attention.project_in.bias, block.attention.project_out.bias]
    assert all((weight == 0).all() for weight in zeros)
    assert (block.attention_norm.weight == 1).all()
    other = model.transformer.blocks[1].state_dict()
    assert all(torch.equal(weight, other[name]) for name, weight in block.state_dict().items())
    assert torch.equal(model.embedding.positions.weight, sinusoids(11, 64))


def test_the_default_initialisation_is_small_and_normal() -> None:
    torch.manual_seed(0)
    model = Meter(small_config(width=64))
    for table in (model.embedding.users, model.embedding.words, model.embedding.positions):
        assert table.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert (model.heads.text.bias == 0).all()


OPTIONS = [
    {"positions": Positions.sinusoidal},
    {"scale_embeddings": True},
    {"shared_word_head": True},
    {"positions": Positions.sinusoidal, "scale_embeddings": True, "shared_word_head": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=["+".join(options) for options in OPTIONS])
def test_cached_generation_equals_reencoding_and_survives_saving(options: dict, tmp_path) -> None:
    inputs = small_inputs((6,) * 8)
    model = small_model(**options)
    with torch.no_grad():
        model.heads.text.bias[EOS] += 3
    words, codes = plain_generate(model, inputs)
    model.save_pretrained(tmp_path)
    for one in (model, Meter.from_pretrained(tmp_path)):
        done = one.generate(inputs.users, inputs.items, inputs.features)
        assert torch.equal(done.words, words)
        assert torch.equal(done.codes, codes)
    assert len({int((row != PAD).sum()) for row in words}) > 1, "the case must be ragged to mean anything"


def test_a_model_saved_before_these_fields_existed_opens_with_their_defaults(
    inputs: Inputs, tmp_path
) -> None:
    model = small_model()
    model.save_pretrained(tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    for name in ("positions", "scale_embeddings", "shared_word_head", "initialisation"):
        del settings[name]
    (tmp_path / "config.json").write_text(json.dumps(settings))
    assert Meter.from_pretrained(tmp_path).config == model.config


def test_peters_early_stop_and_annealing_by_hand(tmp_path) -> None:
    """A success forgives no failure: the fifth in all ends the training; each quarters the rate."""
    optimizer = OptimizerConfig(kind=OptimizerKind.peter_sgd, learning_rate=1.0)
    training = make_training(tmp_path, optimizer=optimizer, early_stop=EarlyStop.peter, patience=5)
    losses = [3.0, 3.5, 2.5, 2.5, 2.6, 2.0, 2.1, 1.9, 1.95]
    failures = [0, 1, 1, 2, 3, 3, 4, 4, 5]
    for loss, count in zip(losses, failures, strict=True):
        assert not training.finished
        training.keep_best(loss)
        training.schedule.set_rates(0, training.networks.transformer.optimizer, None)
        assert training.progress.failures == count
        assert training.networks.transformer.optimizer.param_groups[0]["lr"] == 0.25**count
    assert training.finished
    assert training.progress.best_loss == 1.9


def test_peter_judges_text_and_rating_and_leaves_out_the_context(tmp_path) -> None:
    means = {"text": 2.0, "rating": 3.0, "context": 7.0, "total": 9.3}
    assert make_training(tmp_path).validation_loss(means) == 9.3
    peter = make_training(tmp_path, early_stop=EarlyStop.peter)
    assert peter.validation_loss(means) == 5.0
    peter.objective = ObjectiveConfig(lambda_r=0.0)
    assert peter.validation_loss(means) == 2.0


def test_a_training_stops_by_peters_rule(tmp_path) -> None:
    """At a rate of nothing no validation improves on the first: five more, and it is over."""
    optimizer = OptimizerConfig(kind=OptimizerKind.peter_sgd, learning_rate=0.0)
    training = make_training(tmp_path, optimizer=optimizer, early_stop=EarlyStop.peter, patience=5, epochs=50)
    training.run()
    lines = [line for line in Journal(tmp_path / "metrics.jsonl").read() if line["kind"] == "validation"]
    assert [line["best"] for line in lines] == [True] + 5 * [False]
    assert training.progress.best_loss == pytest.approx(lines[0]["text"] + lines[0]["rating"])


@pytest.mark.parametrize("dataset", ["synthetic", "tripadvisor", "yelp"])
@pytest.mark.parametrize("system", ["peter", "peter_plus"])
def test_the_systems_are_peter_at_the_datasets_sizes(dataset: str, system: str) -> None:
    config, plain = composed(f"dataset={dataset}", f"system={system}"), composed(f"dataset={dataset}")
    assert not config.objective.uses_pictures
    assert config.model.has_feature == (system == "peter_plus")
    assert config.dataset == plain.dataset
    for name in ("width", "layers", "heads", "feedforward", "dropout"):
        assert getattr(config.model, name) == getattr(plain.model, name)
    described = opened(plain_peter(False)).config
    for name in ("norm", "mask", "positions", "scale_embeddings", "shared_word_head", "initialisation"):
        assert getattr(config.model, name) == getattr(described, name)


def test_peter_plus_runs_end_to_end(tmp_path: Path) -> None:
    world = ("num_hotels=8", "num_restaurants=8", "num_users=12", "reviews_per_item=8", "photos_per_item=2")
    small = ("dataset.image_size=32", *(f"dataset.world.{size}" for size in world), "train.epochs=1")
    command(tmp_path, "train", "system=peter_plus", *small, *CPU)
    (folder,) = tmp_path.glob("runs/*/*")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert set(metrics["test"]) >= {"rating", "text", "text_peter_compat", "diversity", "truth"}
    assert "match" not in metrics["test"]
    assert metrics["test"]["truth"]["picture_truth"] is None
    assert (folder / "report.html").read_text(encoding="utf-8").count("<article") >= 6
    command(tmp_path, "evaluate", f"run={folder}")
    assert json.loads((folder / "metrics.json").read_text()) == metrics
    first = json.loads((folder / "generations.jsonl").read_text().splitlines()[0])
    card = meter.load(folder).explain(user=first["user"], item=first["item"], feature=first["feature"])
    assert (card.text, card.image, card.match) == (first["text"], None, None)
