"""Retrieval: biases against the equations they solve, nearest sentence and best photo against a plain search."""

import dataclasses
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from meter.baselines import PhotoChooser, Records, Retrieval, RetrievalConfig
from meter.baselines.biases import damped_biases, fit_biases
from meter.baselines.photo_chooser import PHOTOS
from meter.disc import Discriminator, DiscriminatorConfig
from meter.errors import InputError
from meter.model import EOS, PAD

SEEN = {"users": 9, "items": 7, "features": 50}
SIZES = {"num_users": 9, "num_items": 7, "num_words": 50, "text_length": 6}


def random_records(count: int, seed: int) -> Records:
    """Few items and features, so that most pairs of them occur and some do not; ratings that depend on both."""
    generator = np.random.default_rng(seed)
    users, items = generator.integers(0, 9, count), generator.integers(0, 7, count)
    words = generator.integers(4, 50, (count, 7))
    for row, length in enumerate(generator.integers(1, 7, count)):
        words[row, length], words[row, length + 1 :] = EOS, PAD
    noisy = 3 + (users - 4) / 4 + (items - 3) / 2 + generator.normal(0, 0.5, count)
    return Records(
        users=users,
        items=items,
        features=generator.integers(4, 8, count),
        ratings=np.clip(np.rint(noisy), 1, 5),
        words=words,
    )


TRAIN, VALIDATION = random_records(60, seed=0), random_records(30, seed=1)


def config(**changes: object) -> RetrievalConfig:
    return RetrievalConfig(**{**SIZES, "rounds": 200, **changes})


def test_biases_solve_the_damped_least_squares() -> None:
    """As one system of linear equations over all biases: (XᵀX + damping) b = Xᵀ(r − μ)."""
    dampings = {"users": 2.0, "items": 5.0, "features": 3.0}
    biases = damped_biases(SEEN, dampings, 300, TRAIN)
    design = np.hstack([np.eye(size)[getattr(TRAIN, column)] for column, size in SEEN.items()])
    damping = np.diag([dampings[column] for column, size in SEEN.items() for _ in range(size)])
    mean = TRAIN.ratings.mean()
    solved = np.linalg.solve(design.T @ design + damping, design.T @ (TRAIN.ratings - mean))
    assert biases.mean == mean
    np.testing.assert_allclose(np.concatenate(list(biases.tables.values())), solved, atol=1e-9)
    np.testing.assert_allclose(biases.predict(TRAIN), mean + design @ solved, atol=1e-9)


def test_validation_chooses_the_damping_of_each_column() -> None:
    dampings = [0.5, 3.0, 40.0]

    def error(chosen: Sequence[float]) -> float:
        biases = damped_biases(SEEN, dict(zip(SEEN, chosen, strict=True)), 200, TRAIN)
        return float(((biases.predict(VALIDATION) - VALIDATION.ratings) ** 2).mean())

    chosen = fit_biases(SEEN, dampings, 200, TRAIN, VALIDATION)
    least = min(map(error, product(dampings, repeat=3)))
    assert ((chosen.predict(VALIDATION) - VALIDATION.ratings) ** 2).mean() == least
    alone = ((TRAIN.ratings.mean() - VALIDATION.ratings) ** 2).mean()
    assert least < alone, "biases help where ratings depend on user and item"


def test_next_to_no_bias_is_left_by_much_damping_and_none_without_a_record() -> None:
    few = Records(**{name: getattr(TRAIN, name)[TRAIN.users != 3] for name in Records.__slots__})
    assert damped_biases(SEEN, dict.fromkeys(SEEN, 0.0), 200, few).tables["users"][3] == 0
    assert np.abs(damped_biases(SEEN, dict.fromkeys(SEEN, 1e9), 200, TRAIN).tables["items"]).max() < 1e-6


def test_the_rating_sees_the_feature_word_where_asked() -> None:
    """The first feature word of two is said of bad stays only."""
    words = np.arange(4, 6).repeat(30)
    records = dataclasses.replace(TRAIN, features=words, ratings=np.where(words == 4, 1.0, 5.0))
    users, items = torch.tensor([2, 2]), torch.tensor([3, 3])
    blind, seeing = (
        Retrieval.fit(config(rating_sees_feature=sees), records, records).generate(
            users, items, torch.tensor([4, 5])
        )
        for sees in (False, True)
    )
    assert blind.rating is not None
    assert seeing.rating is not None
    assert blind.rating[0] == blind.rating[1]
    assert seeing.rating[0] < 2 < 4 < seeing.rating[1]


def plain_nearest(retrieval: Retrieval, user: int, item: int, feature: int) -> int:
    """One record after the other, by all that makes one nearer."""
    users, items = retrieval.user_biases, retrieval.item_biases
    rating = float(retrieval.mean + users[user] + items[item])

    def distance(row: int) -> tuple[object, ...]:
        same_item, same_feature = TRAIN.items[row] == item, TRAIN.features[row] == feature
        unlike = abs(users[TRAIN.users[row]] - users[user]) + abs(items[TRAIN.items[row]] - items[item])
        return (
            not (same_item and same_feature),
            not same_feature,
            not same_item,
            abs(TRAIN.ratings[row] - rating),
            float(unlike),
            row,
        )

    return min(range(len(TRAIN.ratings)), key=distance)


@pytest.fixture
def retrieval() -> Retrieval:
    return Retrieval.fit(config(), TRAIN, VALIDATION)


def test_the_nearest_sentence_is_that_of_a_plain_search(retrieval: Retrieval) -> None:
    users, items, features = np.meshgrid(np.arange(9), np.arange(7), [4, 5, 6, 7, 49], indexing="ij")
    asked = [torch.from_numpy(each.ravel()) for each in (users, items, features)]
    done = retrieval.generate(*asked)
    expected = [
        plain_nearest(retrieval, *ids) for ids in zip(*(each.tolist() for each in asked), strict=True)
    ]
    assert np.array_equal(done.words.numpy(), TRAIN.words[expected])
    biases = retrieval.mean + retrieval.user_biases[asked[0]] + retrieval.item_biases[asked[1]]
    torch.testing.assert_close(done.rating, biases.float())
    assert (done.context, done.codes) == (None, None)
    pairs = set(zip(TRAIN.items.tolist(), TRAIN.features.tolist(), strict=True))
    missing = [(item, feature) not in pairs for item, feature in zip(items.flat, features.flat, strict=True)]
    assert any(feature != 49 for feature, absent in zip(features.flat, missing, strict=True) if absent)


def test_saved_and_opened_it_says_the_same(retrieval: Retrieval, tmp_path) -> None:
    retrieval.save_pretrained(tmp_path)
    asked = [torch.tensor(each) for each in ([1, 2], [3, 4], [5, 49])]
    ours, theirs = (each.generate(*asked) for each in (retrieval, Retrieval.from_pretrained(tmp_path)))
    assert torch.equal(ours.words, theirs.words)
    assert torch.equal(ours.rating, theirs.rating)


@pytest.fixture
def chooser() -> PhotoChooser:
    """Nine photos of items 0 to 5, so that some have several and item 6 none; every weight matters."""
    torch.manual_seed(0)
    network = Discriminator(DiscriminatorConfig(num_words=50, num_codes=5, grid=[2, 2], width=4, gated=True))
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_()
    items = torch.tensor([4, 0, 1, 1, 2, 4, 3, 5, 4])
    return PhotoChooser(network.eval(), items, torch.randint(5, (9, 4))).eval()


@torch.no_grad()
def test_the_photo_is_the_one_that_the_matcher_scores_highest(chooser: PhotoChooser) -> None:
    """Against every photo of the item scored by itself; the feature and the sentence both count."""
    words = torch.from_numpy(TRAIN.words)
    items, features = torch.from_numpy(TRAIN.items), torch.from_numpy(TRAIN.features)
    chosen = chooser.choose(items, words, features)
    taken = set()
    for row, item in enumerate(items.tolist()):
        own = [photo for photo, owner in enumerate(chooser.items.tolist()) if owner == item]
        one = slice(row, row + 1)
        scores = [
            float(chooser.network(words[one], chooser.codes[[photo]].long(), features[one])) for photo in own
        ]
        if not own:
            assert chosen[row].tolist() == [-1] * 4
            continue
        best = own[int(np.argmax(scores))]
        assert torch.equal(chosen[row], chooser.codes[best].long())
        taken.add((item, best))
    assert len({photo for item, photo in taken if item == 4}) > 1, (
        "sentences of one item get different photos"
    )
    assert 6 in items


def test_with_photos_it_is_saved_whole_and_opened_again(chooser: PhotoChooser, tmp_path: Path) -> None:
    fitted = Retrieval.fit(config(), TRAIN, VALIDATION, chooser)
    fitted.save_pretrained(tmp_path)
    asked = [torch.tensor(each) for each in ([1, 2, 3], [1, 4, 6], [5, 4, 4])]
    ours, theirs = (each.generate(*asked) for each in (fitted, Retrieval.from_pretrained(tmp_path)))
    assert ours.codes is not None
    assert theirs.codes is not None
    assert torch.equal(ours.codes, chooser.choose(asked[1], ours.words, asked[2]))
    assert torch.equal(ours.codes, theirs.codes)
    wordy = fitted.generate(*asked, pictures=False)
    assert wordy.codes is None
    assert torch.equal(wordy.words, ours.words)
    assert torch.equal(ours.words, theirs.words)
    alone = Retrieval.fit(config(), TRAIN, VALIDATION).generate(*asked)
    assert torch.equal(alone.words, ours.words)
    (tmp_path / "photos" / PHOTOS).write_bytes(b"torn")
    with pytest.raises(InputError, match="expected tensors in the safetensors format"):
        Retrieval.from_pretrained(tmp_path)


@pytest.mark.parametrize("changes", [{"dampings": []}, {"dampings": [-1.0]}, {"rounds": 0}])
def test_settings_that_find_nothing_are_refused(changes: dict) -> None:
    with pytest.raises(InputError, match=r"baselines.retrieval: expected training records"):
        Retrieval.fit(config(**changes), TRAIN, VALIDATION)
