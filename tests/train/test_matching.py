"""Learning matching from true pairs: negatives, losses by hand, and networks that find out what belongs together."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from meter.data import PhotoSets
from meter.disc import DiscriminatorConfig, Matcher, TruePairs
from meter.train.matcher import MatcherConfig, new_discriminator, train_matcher
from meter.train.matching import (
    MatchingConfig,
    Negatives,
    PairedRecords,
    contrastive_loss,
    epoch_order,
    matching_auc,
    matching_loss,
    negative_pairs,
    train_matching,
)

SIZES = DiscriminatorConfig(num_words=50, num_codes=16, grid=[2, 3], width=16, code_rank=4)
NUM_MEANINGS = 12
NEGATIVES = Negatives.same_feature


def paired_records(
    words: Tensor, codes: Tensor, features: Tensor | None = None, items: Tensor | None = None
) -> PairedRecords:
    """Every record with a photo of its own."""
    count = len(words)
    numbers = np.arange(count, dtype=np.int32)
    return PairedRecords(
        items=torch.arange(count) if items is None else items,
        features=features,
        words=words,
        photos=torch.arange(count),
        photo_sets=numbers,
        sets=PhotoSets(offsets=np.arange(count + 1, dtype=np.int64), members=numbers),
        codes=codes,
    )


def meaningful_records(count: int, seed: int) -> PairedRecords:
    """The first word says the code at position 3, or with other words, about another feature, at position 4."""
    generator = torch.Generator().manual_seed(seed)
    meaning = torch.randint(0, NUM_MEANINGS, (count,), generator=generator)
    feature = torch.randint(0, 2, (count,), generator=generator)
    words = torch.zeros(count, 7, dtype=torch.long)
    words[:, 0], words[:, 1] = 4 + meaning + NUM_MEANINGS * feature, 2
    codes = torch.randint(0, 16, (count, 6), generator=generator)
    codes[torch.arange(count), 3 + feature] = meaning
    return paired_records(words, codes, feature + 30)


def pairs_of(items: list[int], features: list[int] | None) -> TruePairs:
    count = len(items)
    return TruePairs(
        items=torch.tensor(items),
        features=None if features is None else torch.tensor(features),
        words=torch.full((count, 3), 5),
        codes=torch.zeros(count, 6, dtype=torch.long),
    )


def test_negatives_are_other_items_or_of_these_the_ones_of_the_same_feature() -> None:
    pairs = pairs_of([1, 1, 2, 3, 4], [7, 7, 7, 8, 9])
    rows = [row.nonzero().flatten().tolist() for row in negative_pairs(pairs, Negatives.same_feature)]
    assert rows == [[2], [2], [0, 1], [0, 1, 2, 4], [0, 1, 2, 3]]
    rows = [row.nonzero().flatten().tolist() for row in negative_pairs(pairs, Negatives.other_items)]
    assert rows == [[2, 3, 4], [2, 3, 4], [0, 1, 3, 4], [0, 1, 2, 4], [0, 1, 2, 3]]
    without_features = negative_pairs(pairs_of([1, 1, 2], None), Negatives.same_feature)
    assert [row.nonzero().flatten().tolist() for row in without_features] == [[2], [2], [0, 1]]


def test_contrastive_loss_by_hand() -> None:
    scores = torch.tensor([[1.0, 0.0, 9.0], [0.0, 3.0, 9.0], [9.0, 9.0, 0.0]])
    negatives = torch.tensor([[False, True, False], [True, False, False], [False, False, False]])
    rows = (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(-3))) / 3
    assert contrastive_loss(scores, negatives).item() == pytest.approx(rows)


def test_an_epoch_visits_every_record_once_and_keeps_features_together() -> None:
    features = torch.arange(1_000) % 5
    order = epoch_order(features, 1_000, np.random.default_rng(0))
    assert sorted(order.tolist()) == list(range(1_000))
    changes = (features[order].diff() != 0).sum().item()
    assert changes < 40, "a random order has about 800"
    assert not torch.equal(order, epoch_order(features, 1_000, np.random.default_rng(1)))


def test_a_network_learns_what_belongs_together_and_ignores_a_wrong_feature() -> None:
    training, validation = meaningful_records(1_024, 0), meaningful_records(256, 1)
    network = new_discriminator(
        DiscriminatorConfig(num_words=50, num_codes=16, grid=[2, 3], width=16, code_rank=8, gated=True), 0
    )
    before = matching_auc(network.eval(), validation, NEGATIVES).value
    auc = train_matching(network, training, validation, NEGATIVES, MatchingConfig(batch_size=64), seed=0)
    assert abs(before - 0.5) < 0.1
    ceiling = 1 - 0.5 / NUM_MEANINGS
    assert ceiling - 0.05 < auc.value == matching_auc(network, validation, NEGATIVES).value
    with torch.no_grad():
        images = network.encode_image(validation.codes)
        right = network.score_all(network.encode_text(validation.words, validation.features), images)
        wrong = network.score_all(network.encode_text(validation.words, 61 - validation.features), images)
    assert wrong.std(dim=1).mean() < 0.4 * right.std(dim=1).mean()


def test_the_offset_makes_scores_probabilities() -> None:
    """As many mismatched pairs as true ones: of pairs that score p, the share p should be true."""
    training, validation = meaningful_records(1_024, 0), meaningful_records(512, 1)
    network = new_discriminator(SIZES, 0)
    train_matching(network, training, validation, NEGATIVES, MatchingConfig(batch_size=64), seed=0)
    indices = torch.arange(len(validation))
    pairs = validation.pairs(indices, validation.photos)
    with torch.no_grad():
        scores = network.score_all(network.encode_text(pairs.words), network.encode_image(pairs.codes))
    negatives = negative_pairs(pairs, NEGATIVES)
    mean = (scores.diagonal().sigmoid().mean() + scores[negatives].sigmoid().mean()) / 2
    assert mean.item() == pytest.approx(0.5, abs=0.06)


def test_a_batch_of_one_item_teaches_nothing() -> None:
    network = new_discriminator(SIZES, 0)
    pairs = pairs_of([1, 1], [7, 7])
    matching_loss(network, pairs, NEGATIVES, indifference=1.0).backward()
    assert all(weight.grad is None or weight.grad.abs().sum() == 0 for weight in network.parameters())
    records = paired_records(pairs.words, pairs.codes, items=pairs.items)
    auc = train_matching(network, records, records, NEGATIVES, MatchingConfig(batch_size=2, epochs=2), seed=0)
    assert math.isnan(auc.value)
    assert network.offset == 0


def test_every_epoch_another_photo_of_the_set() -> None:
    records = meaningful_records(4, 0)
    records.photo_sets = np.zeros(4, dtype=np.int32)
    records.sets = PhotoSets(offsets=np.array([0, 3]), members=np.array([1, 2, 3], dtype=np.int32))
    generator = np.random.default_rng(0)
    drawn = {tuple(records.draw_photos(generator).tolist()) for _ in range(30)}
    assert len(drawn) > 10
    assert {photo for photos in drawn for photo in photos} == {1, 2, 3}


def test_the_matcher_survives_saving_and_leaves_the_random_state_alone(tmp_path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    training, validation = meaningful_records(512, 0), meaningful_records(64, 1)
    matcher = train_matcher(
        training, validation, SIZES, MatcherConfig(width=16), MatchingConfig(batch_size=64), seed=3
    )
    assert torch.equal(torch.rand(1), expected)
    words, codes, features = validation.words, validation.codes, validation.features
    assert matcher.match(words, codes, features).mean() > 0.8
    assert abs(matcher.match(words, codes.roll(1, dims=0), features).mean() - 0.5) < 0.12
    matcher.save_pretrained(tmp_path)
    opened = Matcher.from_pretrained(tmp_path)
    assert opened.above_chance
    assert opened.auc == matcher.auc > 0.9
    assert torch.equal(opened.match(words, codes, features), matcher.match(words, codes, features))
