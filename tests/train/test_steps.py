"""The two networks' steps: each moves its own weights, and both learn from one pass of D."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch.utils._python_dispatch import TorchDispatchMode

from meter.disc import Discriminator, DiscriminatorConfig, Generated, Relaxation, matching_value
from meter.model import PAD
from meter.train import build
from meter.train.batches import Batch
from meter.train.devices import make_fabric
from meter.train.networks import JointNetworks
from meter.train.objective import ContextTargets, DiscriminatorTraining, ObjectiveConfig, SampleSource
from meter.train.optimizer import OptimizerConfig
from meter.train.part_weights import PartWeights, part_weights
from meter.train.steps import (
    discriminator_gradient,
    generate_relaxed,
    generated_pairs,
    joint_step,
    model_gradient,
    true_pairs,
)
from tests.conftest import small_config, small_model
from tests.train.test_loop import CPU, make_networks, small_examples

WHOLE = PartWeights(*torch.ones(4))


def pairs_of_step(fabric: Fabric, networks: JointNetworks, batch: Batch) -> Generated:
    """What a step would show to D, with no way back to the transformer."""
    with torch.no_grad():
        output = networks.transformer.wrapped(
            batch.users, batch.items, batch.features, batch.words, batch.codes, batch.word_slots
        )
        return generate_relaxed(fabric, networks, output, batch, ObjectiveConfig())


def test_each_step_moves_its_own_player_only() -> None:
    fabric = make_fabric(CPU)
    networks = make_networks(fabric, OptimizerConfig(), dropout=0.1)
    batch = small_examples().batch(torch.arange(8))
    objective = ObjectiveConfig()
    before = {name: weight.clone() for name, weight in networks.discriminator.module.state_dict().items()}
    done = model_gradient(fabric, networks, batch, objective, WHOLE)
    networks.transformer.optimizer.step()
    assert all(
        torch.equal(before[name], weight)
        for name, weight in networks.discriminator.module.state_dict().items()
    )
    assert all(
        weight.grad is None and weight.requires_grad for weight in networks.discriminator.module.parameters()
    )
    moved = {name: weight.clone() for name, weight in networks.meter.state_dict().items()}
    pulls = {name: weight.grad.clone() for name, weight in networks.meter.named_parameters()}
    discriminator_gradient(fabric, networks, done.scores, objective, WHOLE)
    assert all(torch.equal(pulls[name], weight.grad) for name, weight in networks.meter.named_parameters())
    networks.discriminator.optimizer.step()
    assert all(torch.equal(moved[name], weight) for name, weight in networks.meter.state_dict().items())
    assert any(
        not torch.equal(before[name], weight)
        for name, weight in networks.discriminator.module.state_dict().items()
    )


def test_the_discriminator_learns_to_tell_true_pairs() -> None:
    fabric = make_fabric(CPU)
    networks = make_networks(fabric, OptimizerConfig(discriminator_learning_rate=1e-2), dropout=0.0)
    batch = small_examples(without_photo=False).batch(torch.arange(24))
    pairs = pairs_of_step(fabric, networks, batch)
    values = []
    for _ in range(40):
        scores = networks.discriminator.wrapped(true_pairs(batch), pairs)
        networks.discriminator.optimizer.zero_grad()
        values.append(discriminator_gradient(fabric, networks, scores, ObjectiveConfig(), WHOLE).item())
        networks.discriminator.optimizer.step()
    assert values[-1] > values[0] + 1


def test_one_pass_of_the_discriminator_serves_both_players() -> None:
    """D's gradient is what a pass of its own over the same pairs, cut from the transformer, would give it."""
    fabric = make_fabric(CPU)
    networks = make_networks(fabric, OptimizerConfig(), dropout=0.0)
    batch = small_examples().batch(torch.arange(8))
    torch.manual_seed(5)
    pairs = pairs_of_step(fabric, networks, batch)
    apart = copy.deepcopy(networks.discriminator.module)
    (-matching_value(apart(true_pairs(batch), pairs))).backward()

    torch.manual_seed(5)
    joint_step(fabric, networks, [batch], ObjectiveConfig(), clip=1e9)

    for found, expected in zip(networks.discriminator.module.parameters(), apart.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad)


def test_a_held_discriminator_teaches_and_stays() -> None:
    fabric = make_fabric(CPU)
    objective = ObjectiveConfig(discriminator_training=DiscriminatorTraining.held, lambda_d=0.5)
    torch.manual_seed(0)
    learned = Discriminator(DiscriminatorConfig(num_words=50, num_codes=16, grid=[2, 3], width=16))
    before = copy.deepcopy(learned.state_dict())
    networks = build.make_networks(
        fabric,
        model=small_config(dropout=0.0),
        discriminator=DiscriminatorConfig(),
        objective=objective,
        optimizer=OptimizerConfig(),
        vq=None,
        learned=learned,
    )
    reference = make_networks(fabric, OptimizerConfig(), dropout=0.0, with_discriminator=False)
    networks.meter.load_state_dict(reference.meter.state_dict())
    batch = small_examples().batch(torch.arange(8))
    means = joint_step(fabric, networks, [batch], objective, clip=1e9)
    joint_step(fabric, reference, [batch], objective, clip=1e9)
    assert "generator" in means
    assert "matching" not in means
    torch.testing.assert_close(learned.state_dict(), before, rtol=0, atol=0)
    found, plain = (each.meter.heads.text.weight.grad for each in (networks, reference))
    assert not torch.allclose(found, plain, atol=1e-6)


@pytest.mark.parametrize("lambda_d", [0.0, 0.5])
def test_l_d_pulls_on_the_transformer_only_through_its_weight(lambda_d: float) -> None:
    """The same batch and noise, with and without L_d: the words' gradient differs only by the generator's share."""
    fabric = make_fabric(CPU)
    networks = make_networks(fabric, OptimizerConfig(), dropout=0.0)
    batch = small_examples().batch(torch.arange(8))
    reference = make_networks(fabric, OptimizerConfig(), dropout=0.0, with_discriminator=False)
    objective = ObjectiveConfig(lambda_d=lambda_d)
    joint_step(fabric, networks, [batch], objective, clip=1e9)
    joint_step(fabric, reference, [batch], objective, clip=1e9)
    found, plain = (
        networks.meter.heads.text.weight.grad,
        reference.meter.heads.text.weight.grad,
    )
    assert torch.allclose(found, plain, atol=1e-9) == (lambda_d == 0)


@pytest.mark.parametrize("targets", list(ContextTargets))
def test_a_batch_in_parts_has_the_losses_and_gradients_of_the_whole(targets: ContextTargets) -> None:
    """Parts of different size, with sentences of different lengths and records without a picture; and these apart."""
    fabric = make_fabric(CPU)
    examples, rows = small_examples(), torch.arange(11)
    objective = ObjectiveConfig(lambda_d=0.5, relaxation=Relaxation.soft, context_targets=targets)
    means, gradients = [], []
    in_parts = [[examples.batch(part) for part in rows.split(parts)] for parts in ([11], [1, 4, 6])]
    for batches in (*in_parts, examples.by_picture(rows)):
        networks = make_networks(fabric, OptimizerConfig(), dropout=0.0)
        networks.discriminator.module.mismatched = False
        means.append(joint_step(fabric, networks, batches, objective, clip=1e9))
        both = [*networks.meter.parameters(), *networks.discriminator.module.parameters()]
        gradients.append([weight.grad for weight in both if weight.grad is not None])
    for other in (1, 2):
        assert means[other] == pytest.approx(means[0], rel=1e-5)
        torch.testing.assert_close(gradients[other], gradients[0], rtol=1e-3, atol=1e-6)


def test_parts_without_a_picture_weigh_nothing_among_pictures() -> None:
    fabric = make_fabric(CPU)
    examples = small_examples()
    parts = [examples.batch(torch.tensor([0, 5])), examples.batch(torch.tensor([1, 2, 6]))]
    first, second = part_weights(fabric, parts, ContextTargets.words)
    assert (first.pictures, second.pictures) == (0, 1)
    assert (first.records.item(), second.records.item()) == pytest.approx((0.4, 0.6))
    assert first.words.item() == pytest.approx(
        len(parts[0].word_slots) / sum(len(part.word_slots) for part in parts)
    )


def test_a_loss_that_is_no_number_stops_before_any_weight_moves() -> None:
    fabric = make_fabric(CPU)
    networks = make_networks(fabric, OptimizerConfig(), dropout=0.0)
    examples = small_examples()
    examples.ratings[5] = torch.nan
    before = {name: weight.clone() for name, weight in networks.meter.state_dict().items()}
    parts = [examples.batch(torch.arange(4)), examples.batch(torch.arange(4, 7))]
    with pytest.raises(FloatingPointError, match=r"nan on the batch of records \[4, 5, 6\]"):
        joint_step(fabric, networks, parts, ObjectiveConfig(), clip=1.0)
    assert all(torch.equal(before[name], weight) for name, weight in networks.meter.state_dict().items())


def test_a_borrowed_feature_teaches_its_word_through_the_discriminator() -> None:
    """The word of a feature that nobody says of the record's own item learns from D, and from D alone."""
    fabric = make_fabric(CPU)
    batch = small_examples(without_photo=False).batch(torch.arange(2))
    batch.features[:] = torch.tensor([40, 41])

    def first_items_pull_on(feature: int, objective: ObjectiveConfig) -> float:
        networks = make_networks(fabric, OptimizerConfig(), dropout=0.0)
        output = networks.transformer.wrapped(
            batch.users, batch.items, batch.features, batch.words, batch.codes, batch.word_slots
        )
        pairs = generate_relaxed(fabric, networks, output, batch, objective)
        if pairs.borrowed is None:
            return 0.0
        first = pairs.borrowed.words[pairs.borrowed.word_slots < batch.words.shape[1]]
        (pull,) = torch.autograd.grad(first.square().sum(), networks.meter.embedding.words.weight)
        return pull[feature].abs().sum().item()

    lent = ObjectiveConfig(borrowed_features=True, relaxation=Relaxation.soft)
    assert first_items_pull_on(41, lent) > 0
    assert first_items_pull_on(40, lent) == 0
    assert first_items_pull_on(41, ObjectiveConfig()) == 0


def test_borrowed_sentences_weigh_in_both_players_losses() -> None:
    fabric = make_fabric(CPU)
    batch = small_examples(without_photo=False).batch(torch.arange(8))
    found = {}
    for borrowed in (False, True):
        networks = make_networks(fabric, OptimizerConfig(), dropout=0.0)
        objective = ObjectiveConfig(borrowed_features=borrowed, relaxation=Relaxation.soft)
        means = joint_step(fabric, networks, [batch], objective, clip=1.0)
        found[borrowed] = (means["generator"], means["matching"])
    assert found[True][0] > found[False][0]
    assert found[True][1] < found[False][1]


@pytest.mark.parametrize("number", [math.inf, math.nan])
@pytest.mark.parametrize("network", ["transformer", "discriminator"])
def test_a_gradient_that_is_not_finite_stops_before_any_weight_moves(network: str, number: float) -> None:
    """The losses are finite; one weight's gradient is not."""
    fabric = make_fabric(CPU)
    networks = make_networks(fabric, OptimizerConfig(), dropout=0.0)
    examples = small_examples()
    joint_step(fabric, networks, [examples.batch(torch.arange(4))], ObjectiveConfig(), clip=1.0)
    weight = next(getattr(networks, network).module.parameters())
    weight.register_hook(lambda gradient: torch.full_like(gradient, number))
    before = [copy.deepcopy(each.module.state_dict()) for each in networks.all()]
    moments = [copy.deepcopy(each.optimizer.state_dict()["state"]) for each in networks.all()]
    parts = [examples.batch(torch.arange(4)), examples.batch(torch.arange(4, 7))]
    message = rf"gradient of the {network} is (inf|nan) .* records \[0, 1, 2, 3, 4, 5, 6\].* unchanged"
    with pytest.raises(FloatingPointError, match=message):
        joint_step(fabric, networks, parts, ObjectiveConfig(), clip=1.0)
    for each, weights, state in zip(networks.all(), before, moments, strict=True):
        torch.testing.assert_close(each.module.state_dict(), weights, rtol=0, atol=0)
        torch.testing.assert_close(each.optimizer.state_dict()["state"], state, rtol=0, atol=0)


@pytest.mark.parametrize("relaxation", list(Relaxation))
def test_free_running_shows_the_discriminator_exactly_what_was_generated(relaxation: Relaxation) -> None:
    """Noise of the relaxation and dropout of the parallel pass change gradients, not the words and codes."""
    fabric = make_fabric(CPU)
    networks = make_networks(fabric, OptimizerConfig(), dropout=0.5)
    meter = networks.meter
    meter.load_state_dict(small_model().state_dict())
    batch = small_examples().batch(torch.arange(8))
    objective = ObjectiveConfig(relaxation=relaxation, samples=SampleSource.free_running, temperature=5.0)
    output = networks.transformer.wrapped(
        batch.users, batch.items, batch.features, batch.words, batch.codes, batch.word_slots
    )
    pairs = generated_pairs(fabric, networks, output, batch, objective)
    generated = meter.generate(batch.users, batch.items, batch.features)
    present = generated.words != PAD

    assert torch.equal(pairs.sentences.present, present)
    words = F.one_hot(generated.words[present], 50).float()
    codes = F.one_hot(generated.codes, 16).float()
    torch.testing.assert_close(pairs.sentences.words, words)
    torch.testing.assert_close(pairs.codes, codes)
    scorer = networks.discriminator.module.eval()
    scores = scorer(true_pairs(batch), Generated(own=pairs))
    torch.testing.assert_close(
        scores.generated_pair, scorer.discriminator(generated.words, generated.codes), rtol=1e-4, atol=1e-5
    )
    pull = torch.randn(50)
    (gradient,) = torch.autograd.grad((pairs.sentences.words @ pull).sum(), meter.heads.text.weight)
    assert gradient.abs().sum() > 0


class CountReads(TorchDispatchMode):
    """Counts the reads of single numbers, each of which would make the host wait for an accelerator."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def test_a_step_reads_its_losses_and_norms_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fabric = make_fabric(CPU)
    networks = make_networks(fabric, OptimizerConfig(), dropout=0.1)
    examples = small_examples()
    parts = [examples.batch(torch.arange(4)), examples.batch(torch.arange(4, 8))]
    lists, to_list = [], torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda tensor: lists.append(1) or to_list(tensor))
    with CountReads() as reads:
        joint_step(fabric, networks, parts, ObjectiveConfig(), clip=1.0)
    assert (reads.count, len(lists)) == (0, 1)
