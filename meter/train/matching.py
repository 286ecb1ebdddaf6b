"""Trains a discriminator on true pairs alone: to find a sentence's picture among those of other items.

So the matcher is trained, which measures, and D where it learns before the transformer does.
"""

import copy
import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from scipy.optimize import root_scalar
from scipy.special import expit
from torch import Tensor

from meter.data import PhotoSets
from meter.disc import Discriminator, TruePairs
from meter.special_words import PAD


class Negatives(Enum):
    """Which pictures of a batch a sentence is told from."""

    other_items = "other_items"
    """Those of all other items: a picture of another kind is wrong, and one of another item too."""
    same_feature = "same_feature"
    """Of these, the ones that were chosen for the same feature, where there are any: naming it is not enough."""


@dataclass(kw_only=True, slots=True)
class MatchingConfig:
    """How a network learns matching from true pairs; chosen on validation pairs, where it also stops."""

    epochs: int = 20
    """Passes over the training split at most."""
    patience: int = 5
    """Epochs in a row without a better AUC on validation pairs before the training stops."""
    batch_size: int = 256
    """Pairs a step; each sentence is compared with the pictures of other items among them."""
    learning_rate: float = 1e-2
    """Peak rate of AdamW, which falls to 0 as a cosine."""
    weight_decay: float = 0.01
    """AdamW's weight decay."""
    indifference: float = 1.0
    """For a gated network: weight of the variance of its scores when it is told another record's feature, which it
    learns to bring to 0."""


NUM_ALIKE = 32
"""Records of one feature that stand together in a batch, so that negatives of the same feature are at hand."""
NUM_VALIDATED = 2_048
"""Validation pairs at most, each compared with all others."""


@dataclass(kw_only=True, slots=True)
class PairedRecords:
    """The records of one split that have a photo, and the codes of all photos (P, M).

    photos: the one each record is paired with.  photo_sets: the sets of those that suit it as well.
    """

    items: Int[Tensor, " R"]
    features: Int[Tensor, " R"] | None
    words: Int[Tensor, "R S"]
    photos: Int[Tensor, " R"]
    photo_sets: Int[np.ndarray, "R"]
    sets: PhotoSets
    codes: Int[Tensor, "P M"]

    def __len__(self) -> int:
        return len(self.items)

    def pairs(self, indices: Int[Tensor, " B"], photos: Int[Tensor, " R"]) -> TruePairs:
        """Some of the records, each with the photo that ``photos`` gives it."""
        return TruePairs(
            items=self.items[indices],
            features=None if self.features is None else self.features[indices],
            words=self.words[indices].long(),
            codes=self.codes[photos[indices]].long(),
        )

    def draw_photos(self, generator: np.random.Generator) -> Int[Tensor, " R"]:
        """For each record any photo that suits it."""
        drawn = self.sets.draw(self.photo_sets, generator)
        return torch.from_numpy(drawn).long().to(self.photos.device)


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchingAuc:
    """How often a record's own photo scores above one that it is told from; nan where there is none.

    error: its standard error over records.
    """

    value: float
    error: float


def train_matching(
    network: Discriminator,
    training: PairedRecords,
    validation: PairedRecords,
    negatives: Negatives,
    config: MatchingConfig,
    seed: int,
) -> MatchingAuc:
    """Trains a network and leaves it with the weights that validated best, in evaluation mode.

    A sentence meets another photo that suits it every epoch: what is peculiar to single photos is not learned by heart.
    Returns its AUC on the validation pairs.
    """
    generator = np.random.default_rng(seed)
    parameters = list(network.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    steps = max(1, len(training) // config.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs * steps)
    best_auc, best, failures = MatchingAuc(value=-math.inf, error=0.0), network.state_dict(), 0
    for _ in range(config.epochs):
        network.train()
        photos, order = (
            training.draw_photos(generator),
            epoch_order(training.features, len(training), generator),
        )
        for indices in order.split(config.batch_size)[:steps]:
            loss = matching_loss(network, training.pairs(indices, photos), negatives, config.indifference)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        auc = matching_auc(network.eval(), validation, negatives)
        failures += 1
        if not auc.value <= best_auc.value:
            best_auc, best, failures = auc, copy.deepcopy(network.state_dict()), 0
        if failures == config.patience:
            break
    network.load_state_dict(best)
    fit_offset(network, validation, negatives)
    return best_auc


def epoch_order(
    features: Int[Tensor, " R"] | None, count: int, generator: np.random.Generator
) -> Int[Tensor, " R"]:
    """A random order in which records of one feature come in groups of ``NUM_ALIKE``."""
    order = generator.permutation(count)
    if features is None:
        return torch.from_numpy(order)
    order = order[np.argsort(features.cpu().numpy()[order], kind="stable")]
    groups = np.array_split(order, max(1, count // NUM_ALIKE))
    return torch.from_numpy(np.concatenate([groups[index] for index in generator.permutation(len(groups))]))


def matching_loss(
    network: Discriminator, pairs: TruePairs, negatives: Negatives, indifference: float
) -> Float[Tensor, ""]:
    """The contrastive loss, and for a gated network the variance of its scores under other features."""
    sentences = network.text_encoder(network.text_encoder.embed(pairs.words), pairs.words != PAD)
    images = network.encode_image(pairs.codes)
    scores = network.score_all(network.gated(sentences, pairs.features), images)
    loss = contrastive_loss(scores, negative_pairs(pairs, negatives))
    if network.gate is None or pairs.features is None:
        return loss
    # Neighbours in a batch are about the same feature.
    others = pairs.features.roll(len(pairs.features) // 2)
    spread = network.score_all(network.gated(sentences, others), images).var(dim=1)
    return loss + indifference * (spread * (others != pairs.features)).mean()


def negative_pairs(pairs: TruePairs, negatives: Negatives) -> Bool[Tensor, "B B"]:
    """Which pictures (columns) a sentence (rows) is told from."""
    other_item = pairs.items[:, None] != pairs.items
    if pairs.features is None or negatives is Negatives.other_items:
        return other_item
    alike = other_item & (pairs.features[:, None] == pairs.features)
    return torch.where(alike.any(dim=1, keepdim=True), alike, other_item)


def contrastive_loss(scores: Float[Tensor, "B B"], negatives: Bool[Tensor, "B B"]) -> Float[Tensor, ""]:
    """Symmetric cross-entropy of finding the partner among the negatives, row by row and column by column
    (Radford et al., 2021)."""
    compared = negatives | torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    partners = torch.arange(len(scores), device=scores.device)
    rows, columns = (each.masked_fill(~compared, -torch.inf) for each in (scores, scores.T))
    return (F.cross_entropy(rows, partners) + F.cross_entropy(columns, partners)) / 2


@dataclass(kw_only=True, slots=True)
class ComparedPairs:
    """Scores of some records' sentences with all their photos, and which pairs are mismatched."""

    scores: Float[Tensor, "R R"]
    negatives: Bool[Tensor, "R R"]


@torch.no_grad()
def compare_pairs(network: Discriminator, records: PairedRecords, negatives: Negatives) -> ComparedPairs:
    """Scores the first ``NUM_VALIDATED`` records."""
    indices = torch.arange(min(len(records), NUM_VALIDATED), device=records.items.device)
    pairs = records.pairs(indices, records.photos)
    texts, images = network.encode_text(pairs.words, pairs.features), network.encode_image(pairs.codes)
    return ComparedPairs(scores=network.score_all(texts, images), negatives=negative_pairs(pairs, negatives))


def matching_auc(network: Discriminator, records: PairedRecords, negatives: Negatives) -> MatchingAuc:
    """Compares each record's photo with those of the others."""
    compared = compare_pairs(network, records, negatives)
    own = compared.scores.diagonal()[:, None]
    above = (own > compared.scores).double() + 0.5 * (own == compared.scores).double()
    counts = compared.negatives.sum(dim=1)
    by_record = ((above * compared.negatives).sum(dim=1) / counts)[counts > 0]
    if len(by_record) == 0:
        return MatchingAuc(value=math.nan, error=math.nan)
    error = by_record.std(correction=0) / len(by_record) ** 0.5
    return MatchingAuc(value=by_record.mean().item(), error=error.item())


def fit_offset(network: Discriminator, records: PairedRecords, negatives: Negatives) -> None:
    """Sets the offset such that σ(score) is the probability that a pair is true, of as many true as mismatched ones.

    There the mean probability of the true pairs and that of the mismatched ones add up to 1.
    """
    compared = compare_pairs(network, records, negatives)
    if not compared.negatives.any():
        return
    true = compared.scores.diagonal().double().cpu().numpy()
    mismatched = compared.scores[compared.negatives].double().cpu().numpy()

    def excess(shift: float) -> float:
        return float(expit(true + shift).mean() + expit(mismatched + shift).mean() - 1)

    largest = float(np.abs(compared.scores.cpu().numpy()).max()) + 1
    shift = root_scalar(excess, bracket=(-largest, largest)).root
    with torch.no_grad():
        network.offset.add_(shift)
