"""How often a guess is true, of someone who knows all ratings and other items but has seen nothing of the item itself.

Where ratings depend on an item's values, its mean rating tells something of them. A system whose sentences are true no
more often than this has shown that it learned nothing else.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

Possible = Mapping[str, Mapping[str, Collection[str]]]


def guess_from_ratings(
    items: Sequence[str],
    features: Sequence[str | None],
    *,
    possible: Possible,
    named: Iterable[tuple[str, str]],
    mean_ratings: Mapping[str, float],
    values: Mapping[str, Sequence[str]],
) -> float | None:
    """The expected share of N records whose asked feature is guessed right; None where no record asks for one.

    The guess for an item is made from the other items whose value of this feature is named in training, by linear
    discriminant analysis (Fisher 1936): their mean ratings are taken as normal with a mean for each value and one
    variance for all, and values are as frequent as among them. What training says of the item itself is left out, and
    so are photos.

    Args:
        items: the item of each record.
        features: the feature that each record asks for, None where it asks for none.
        possible: the values of each item, ``{item: {feature: values}}``; a guess is right if it is one of them.
        named: items with the features that training sentences name of them.
        mean_ratings: of each item in training; an item without ratings is guessed from frequency alone.
        values: all values that a feature may have.
    """
    known: dict[str, set[str]] = defaultdict(set)
    for item, feature in named:
        if item in mean_ratings:
            known[feature].add(item)
    asked: dict[str, list[str]] = defaultdict(list)
    for item, feature in zip(items, features, strict=True):
        if feature is not None:
            asked[feature].append(item)
    chances = [
        chance
        for feature, of_feature in asked.items()
        for chance in _chances(
            of_feature,
            {item: entry[feature] for item, entry in possible.items() if feature in entry},
            sorted(known[feature]),
            mean_ratings,
            values[feature],
        )
    ]
    return float(np.mean(chances)) if chances else None


def _chances(
    asked: Sequence[str],
    possible: Mapping[str, Collection[str]],
    known: Sequence[str],
    mean_ratings: Mapping[str, float],
    values: Sequence[str],
) -> list[float]:
    """The probability that the guess is right for each asked item, all of one feature."""
    observed = [(item, values.index(value)) for item in known for value in possible[item]]
    owners = np.array([item for item, _ in observed], dtype=object)
    classes = np.array([value for _, value in observed], dtype=np.int64)
    ratings = np.array([mean_ratings[item] for item in owners], dtype=np.float64)
    chance_of = {}
    for item in dict.fromkeys(asked):
        others = owners != item
        best = best_guesses(mean_ratings.get(item), ratings[others], classes[others], len(values))
        chance_of[item] = float(
            np.mean([values[guess] in possible[item] for guess in best.nonzero()[0].tolist()])
        )
    return [chance_of[item] for item in asked]


def best_guesses(
    rating: float | None, ratings: Float[np.ndarray, " N"], classes: Int[np.ndarray, " N"], num_classes: int
) -> Bool[np.ndarray, " K"]:
    """The likeliest classes of an item with this mean rating; several where they are equally likely.

    ratings, classes: of N other items. rating: None guesses from their frequency alone.
    """
    counts = np.bincount(classes, minlength=num_classes)
    scores = np.full(num_classes, -np.inf)
    exists = counts > 0
    scores[exists] = np.log(counts[exists])
    if not exists.any():
        return np.ones(num_classes, dtype=bool)
    if rating is not None:
        means = np.bincount(classes, weights=ratings, minlength=num_classes) / np.maximum(counts, 1)
        freedom = len(ratings) - exists.sum()
        # Where each class was seen once, nothing tells how far ratings vary within one: as far as they do over all.
        variance = np.square(ratings - means[classes]).sum() / freedom if freedom else ratings.var()
        scores[exists] -= np.square(rating - means[exists]) / (2 * max(variance, 1e-9))
    return scores >= scores.max() - 1e-9
