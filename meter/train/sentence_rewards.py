"""L_d on whole sentences: what the model says by itself is scored by D, and its likelihood follows the score.

No gradient passes the choice of a word, and no word is scored that the model would not say in this place.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.model import DecodingConfig, WordChoice, word_slots
from meter.model.kernels.cross_entropy import cross_entropies
from meter.train.batches import Batch
from meter.train.networks import JointNetworks
from meter.train.objective import ObjectiveConfig, SentenceGradient

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(kw_only=True, slots=True)
class RewardedSentences:
    """B generated sentences; a positive reward makes one likelier, a negative one less likely."""

    words: Int[Tensor, "B S"]
    rewards: Float[Tensor, " B"]


def sentence_reward_loss(
    fabric: "Fabric",
    networks: JointNetworks,
    batch: Batch,
    features: Int[Tensor, " B"] | None,
    objective: ObjectiveConfig,
) -> Float[Tensor, ""]:
    """The mean over records with a picture of reward × −log p, itself the mean over the sentence's words.

    features: what the sentences are to be about.
    """
    assert batch.codes is not None
    has_picture = batch.codes[:, 0] >= 0
    rewarded = rewarded_sentences(networks, batch, features, objective)
    slots = word_slots(rewarded.words)
    with fabric.autocast():
        output = networks.transformer.module(batch.users, batch.items, features, rewarded.words, None, slots)
    assert output.text is not None
    surprises = cross_entropies(output.text, rewarded.words.flatten()[slots])
    sentences = slots // rewarded.words.shape[1]
    lengths = torch.bincount(sentences, minlength=len(has_picture))
    # Every sentence has its EOS at least.
    means = surprises.new_zeros(len(has_picture)).index_add(0, sentences, surprises) / lengths
    return (rewarded.rewards * means * has_picture).sum() / has_picture.sum().clamp(min=1)


@torch.no_grad()
def rewarded_sentences(
    networks: JointNetworks, batch: Batch, features: Int[Tensor, " B"] | None, objective: ObjectiveConfig
) -> RewardedSentences:
    """Generates sentences about these features and scores them beside the records' pictures."""
    match objective.sentence_gradient:
        case SentenceGradient.self_critical:
            sampled, greedy = (
                generate_and_score(networks, batch, features, choice)
                for choice in (WordChoice.sample, WordChoice.greedy)
            )
            return RewardedSentences(words=sampled.words, rewards=sampled.matches - greedy.matches)
        case SentenceGradient.best_of_samples:
            samples = [
                generate_and_score(networks, batch, features, WordChoice.sample)
                for _ in range(objective.num_samples)
            ]
            best = torch.stack([sample.matches for sample in samples]).argmax(dim=0)
            words = torch.stack([sample.words for sample in samples])[best, torch.arange(len(best))]
            return RewardedSentences(words=words, rewards=torch.ones_like(samples[0].matches))
        case SentenceGradient.relaxed:
            raise ValueError(
                "sentence_gradient: expected a form that generates whole sentences, found relaxed"
            )


@dataclass(kw_only=True, slots=True)
class ScoredSentences:
    """B generated sentences and D(Ê, V) of each."""

    words: Int[Tensor, "B S"]
    matches: Float[Tensor, " B"]


def generate_and_score(
    networks: JointNetworks, batch: Batch, features: Int[Tensor, " B"] | None, choice: WordChoice
) -> ScoredSentences:
    """Sampled words are drawn from torch's global generator, as dropout is."""
    assert networks.pair_scorer is not None
    assert batch.codes is not None
    generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
    words = networks.meter.generate(
        batch.users,
        batch.items,
        features,
        decoding=DecodingConfig(words=choice),
        generator=generator,
        pictures=False,
    ).words
    scores = networks.pair_scorer.discriminator(words, batch.codes.clamp(min=0), features)
    return ScoredSentences(words=words, matches=scores.sigmoid())
