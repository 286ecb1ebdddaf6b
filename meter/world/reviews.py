"""Reviews: who writes about which feature of which item, and which reviews are held out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from meter.world.items import Item
from meter.world.ratings import draw_rating, expected_rating, mean_opinion
from meter.world.text.sentences import write_sentence
from meter.world.users import User


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """One review, with mean and variance of its rating before it was drawn.

    value: what the text says of the feature.
    """

    user: User
    item: Item
    feature: str
    value: str
    text: str
    rating: int
    mean: float
    variance: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewStreams:
    """Generators of the parts of a review.

    reviews: authors, features and words. choices: of the values that are offered. moods: of the ratings.
    """

    reviews: np.random.Generator
    choices: np.random.Generator
    moods: np.random.Generator


def random_reviews(
    users: Sequence[User],
    items: Iterable[Item],
    count: int,
    streams: ReviewStreams,
    *,
    hidden: bool,
    taste_strength: float,
    rating_noise: float,
) -> Iterable[Review]:
    """Draws so many reviews of every item, shared evenly among the users.

    hidden: whether the reviews name hidden features of the item only, or only others.
    taste_strength, rating_noise: standard deviations of what taste and mood add to a rating, in stars.
    """
    num_written = np.zeros(len(users))
    for item in items:
        features = [feature for feature in item.offers if (feature in item.hidden) == hidden]
        authors = np.argsort(num_written + streams.reviews.random(len(users)))[:count]
        num_written[authors] += 1
        for author in authors:
            user = users[author]
            opinion = mean_opinion(user, item, taste_strength)
            yield _random_review(user, item, features, opinion, rating_noise, streams)


def _random_review(
    user: User,
    item: Item,
    features: Sequence[str],
    opinion: float,
    rating_noise: float,
    streams: ReviewStreams,
) -> Review:
    interests = np.asarray([user.interests[feature] for feature in features])
    feature = features[streams.reviews.choice(len(features), p=interests / interests.sum())]
    offered = item.offers[feature]
    value = offered[streams.choices.choice(len(offered), p=user.choice(feature, offered))]
    expected = expected_rating(opinion, rating_noise)
    sentiment = user.sentiment(feature, value)
    return Review(
        user=user,
        item=item,
        feature=feature,
        value=value,
        text=write_sentence(item.kind, feature, value, sentiment, user.style, streams.reviews),
        rating=draw_rating(opinion, rating_noise, streams.moods),
        mean=expected.mean,
        variance=expected.variance,
    )


def split_reviews(
    reviews: Sequence[Review], share: float, generator: np.random.Generator
) -> dict[str, list[int]]:
    """Holds out reviews at random, as long as train keeps others of the same user, and of the same item and feature.

    So every user and item is in train, and every pair of item and feature in validation and test is, too.
    """
    remaining = Counter(key for review in reviews for key in _kept_in_train(review))
    target = 2 * round(share * len(reviews))
    held_out: list[int] = []
    for index in generator.permutation(len(reviews)).tolist():
        keys = _kept_in_train(reviews[index])
        if len(held_out) < target and all(remaining[key] > 1 for key in keys):
            remaining.subtract(keys)
            held_out.append(index)
    train = sorted(set(range(len(reviews))).difference(held_out))
    return {"train": train, "validation": sorted(held_out[1::2]), "test": sorted(held_out[0::2])}


def _kept_in_train(review: Review) -> list[tuple[str, ...]]:
    return [(review.user.name,), (review.item.name, review.feature)]
