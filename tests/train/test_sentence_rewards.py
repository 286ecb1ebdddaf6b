"""L_d on whole sentences: rewards and losses by hand, and a model that comes to say what D likes."""

import pytest
import torch

from meter.disc import Discriminator, DiscriminatorConfig
from meter.model import DecodingConfig
from meter.train import build
from meter.train.batches import Batch
from meter.train.devices import make_fabric
from meter.train.networks import JointNetworks
from meter.train.objective import DiscriminatorTraining, ObjectiveConfig, SentenceGradient
from meter.train.optimizer import OptimizerConfig
from meter.train.sentence_rewards import rewarded_sentences, sentence_reward_loss
from meter.train.steps import joint_step
from tests.conftest import small_config
from tests.train.test_loop import CPU, small_examples

LIKED = 30
"""The word that D finds to suit every picture; no sentence has it."""


def objective_of(gradient: SentenceGradient) -> ObjectiveConfig:
    return ObjectiveConfig(
        lambda_d=1.0,
        discriminator_training=DiscriminatorTraining.held,
        own_pairs=False,
        borrowed_features=True,
        sentence_gradient=gradient,
    )


def networks_of(objective: ObjectiveConfig) -> JointNetworks:
    """A small model, and a D whose score is high for sentences with the liked word and low for others."""
    torch.manual_seed(0)
    discriminator = Discriminator(DiscriminatorConfig(num_words=50, num_codes=16, grid=[2, 3], width=2))
    with torch.no_grad():
        discriminator.image_encoder.table.weight.fill_(1.0)
        discriminator.image_encoder.project.copy_(torch.tensor([1.0, 0.0]).expand(6 * 32, 2))
        discriminator.text_encoder.table.weight.copy_(torch.tensor([0.0, 1.0]).expand(50, 2))
        discriminator.text_encoder.table.weight[LIKED] = torch.tensor([5.0, 0.0])
    return build.make_networks(
        make_fabric(CPU),
        model=small_config(dropout=0.0),
        discriminator=DiscriminatorConfig(),
        objective=objective,
        optimizer=OptimizerConfig(learning_rate=1e-2),
        vq=None,
        learned=discriminator,
    )


def batch_of(count: int, **changes: bool) -> Batch:
    return small_examples(**changes).batch(torch.arange(count))


def matches(networks: JointNetworks, batch: Batch, words: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return networks.pair_scorer.discriminator(words, batch.codes.clamp(min=0)).sigmoid()


def test_a_sampled_sentence_is_rewarded_by_what_d_likes_it_more_than_the_greedy_one() -> None:
    objective = objective_of(SentenceGradient.self_critical)
    networks, batch = networks_of(objective), batch_of(8)
    rewarded = rewarded_sentences(networks, batch, batch.features, objective)
    greedy = networks.meter.generate(batch.users, batch.items, batch.features).words
    expected = matches(networks, batch, rewarded.words) - matches(networks, batch, greedy)
    torch.testing.assert_close(rewarded.rewards, expected)
    assert not torch.equal(rewarded.words, greedy)


def test_the_best_of_many_samples_is_the_one_that_d_likes_best() -> None:
    objective = objective_of(SentenceGradient.best_of_samples)
    networks, batch = networks_of(objective), batch_of(8)
    objective.num_samples = 1
    first = matches(networks, batch, rewarded_sentences(networks, batch, batch.features, objective).words)
    objective.num_samples = 40
    best = rewarded_sentences(networks, batch, batch.features, objective)
    assert matches(networks, batch, best.words).mean() > first.mean() + 0.1
    assert best.rewards.tolist() == [1.0] * 8


def test_the_loss_by_hand() -> None:
    """The mean over records with a picture of the mean surprise of the words of the sentence."""
    objective = objective_of(SentenceGradient.best_of_samples)
    networks, batch = networks_of(objective), batch_of(8)
    torch.manual_seed(1)
    loss = sentence_reward_loss(make_fabric(CPU), networks, batch, batch.features, objective)
    torch.manual_seed(1)
    words = rewarded_sentences(networks, batch, batch.features, objective).words
    output = networks.meter(batch.users, batch.items, batch.features, words, batch.codes.clamp(min=0))
    log_p = output.text.log_softmax(-1).gather(2, words[..., None]).squeeze(2)
    expected = [
        -log_p[row, : int((words[row] != 0).sum())].mean() for row in range(8) if batch.codes[row, 0] >= 0
    ]
    torch.testing.assert_close(loss, torch.stack(expected).mean(), rtol=1e-4, atol=1e-5)
    assert len(expected) < 8


@pytest.mark.parametrize("gradient", [SentenceGradient.self_critical, SentenceGradient.best_of_samples])
def test_the_model_comes_to_say_what_d_likes(gradient: SentenceGradient) -> None:
    objective = objective_of(gradient)
    objective.lambda_e = objective.lambda_r = objective.lambda_c = 0.0
    networks, batch = networks_of(objective), batch_of(24, without_photo=False)
    fabric = make_fabric(CPU)

    def share_of_liked() -> float:
        words = networks.meter.generate(
            batch.users, batch.items, batch.features, decoding=DecodingConfig(), pictures=False
        ).words
        return (words == LIKED).any(dim=1).float().mean().item()

    assert share_of_liked() < 0.3
    for _ in range(60):
        joint_step(fabric, networks, [batch], objective, clip=1.0)
    assert share_of_liked() > 0.9
