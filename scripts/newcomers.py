"""How users without a history, and items with photos and no review, are answered by a run of the synthetic world.

    python scripts/newcomers.py runs/synthetic/meter-0123abcd

Items are asked for every feature that they have; new ones are those of another world, made with another seed, of which
nothing was seen. The oracles read what is said and shown.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

import meter
from meter.data import Prepared, prepare
from meter.data.catalogue import Catalogue
from meter.errors import InputError
from meter.notebook import Explainer
from meter.world import Truth, read_image, read_text

NEW_USER = "a new user"
COLUMNS = ("user", "item", "sentence is true", "picture is true", "both say the same", "cards")


@dataclass(kw_only=True, slots=True)
class Asked:
    """A question, and what may be answered. item: its name in the run. possible: true values of the feature."""

    item: str
    feature: str
    possible: Sequence[str]


@dataclass(kw_only=True, slots=True)
class Shares:
    """Of the cards of some questions."""

    sentence: float
    picture: float
    agreement: float


def questions(truth: Truth, names: Iterable[str], features: Sequence[str], prefix: str = "") -> list[Asked]:
    """Every feature that these items have; prefix: before their names in the run."""
    return [
        Asked(item=prefix + name, feature=feature, possible=truth.possible(name, feature))
        for name in names
        for feature in features
        if truth.possible(name, feature)
    ]


def shares(run: Explainer, asked: Sequence[Asked], users: Sequence[str]) -> Shares:
    """Asks by these users in turn."""
    pairs = [(users[number % len(users)], one.item, one.feature) for number, one in enumerate(asked)]
    said, shown = [], []
    for card in run.explain_many(pairs):
        assert card.image is not None
        assert card.feature is not None
        said.append(read_text(card.text).get(card.feature))
        shown.append(read_image(card.image).get(card.feature))
    return Shares(
        sentence=float(np.mean([value in one.possible for value, one in zip(said, asked, strict=True)])),
        picture=float(np.mean([value in one.possible for value, one in zip(shown, asked, strict=True)])),
        agreement=float(
            np.mean([one is not None and one == two for one, two in zip(said, shown, strict=True)])
        ),
    )


def rating_errors(run: Explainer, prepared: Prepared, rows: Sequence[int]) -> tuple[float, float]:
    """RMSE over these records: asked by their own users, and by the new one."""
    records = prepared.records
    items = [prepared.items[records.items[row]] for row in rows]
    features = [prepared.feature(row) for row in rows]
    own = [prepared.users[records.users[row]] for row in rows]
    true = np.asarray(records.ratings[rows], dtype=np.float64)
    found = []
    for users in (own, [NEW_USER] * len(rows)):
        cards = run.explain_many(list(zip(users, items, features, strict=True)))
        found.append(float(np.sqrt(np.mean((np.array([card.rating for card in cards]) - true) ** 2))))
    return found[0], found[1]


def add_items(run: Explainer, other: Prepared, names: Sequence[str], prefix: str) -> None:
    """Makes the items of another world known by the photos that its training records show."""
    assert other.photos is not None
    shown = Catalogue.of(other).item_photos
    for name in names:
        photos = sorted(set().union(*shown[other.items.index(name)].values()))
        run.add_item(prefix + name, [np.array(other.photos.pixels[photo]) for photo in photos])


def report(folder: Path, every: int, num_ratings: int) -> str:
    """The table and a line on ratings. Raises InputError for a run of another dataset."""
    run = meter.load(folder)
    config = run.run.config
    worlds = [prepare(config.dataset, Path(config.cache), config.data_seed + shift) for shift in (0, 1)]
    own, other = worlds
    if own.truth is None or other.truth is None:
        raise InputError(f"{folder}: expected a run of dataset=synthetic, found {config.dataset.name}")
    prefix = "new "
    run.add_user(NEW_USER)
    add_items(run, other, other.items[::every], prefix)
    known = questions(own.truth, own.items[::every], own.features)
    new = questions(other.truth, other.items[::every], own.features, prefix)
    lines = []
    for item, asked in (("known", known), ("new", new)):
        for user, users in (("known", list(own.users)), ("new", [NEW_USER])):
            found = shares(run, asked, users)
            cells = [f"{value:.3f}" for value in (found.sentence, found.picture, found.agreement)]
            lines.append([user, item, *cells, str(len(asked))])
    by_own, by_new = rating_errors(run, own, np.sort(own.splits["test"])[:num_ratings].tolist())
    explained = run.photo_regression.explained
    return (
        tabulate(lines, COLUMNS, tablefmt="pipe", disable_numparse=True)
        + f"\n\nRating’s RMSE on {num_ratings} test records: {by_own:.3f} by their users, {by_new:.3f} by a new one."
        + f"\nPhotos explain {explained:.2f} of what the model has learned of its items (items left out in turn)."
    )


def main(arguments: Sequence[str]) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--every", type=int, default=4, help="asks for one item in so many")
    parser.add_argument("--ratings", type=int, default=500, help="test records whose ratings are predicted")
    options = parser.parse_args(arguments)
    try:
        print(report(options.run, options.every, options.ratings))
    except InputError as fault:
        print(fault, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
