"""A finished run, opened: what it knows, what it says, what changes what it says."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import UInt8

from meter.data import tokenize
from meter.errors import InputError
from meter.evaluate.likeliest_feature import likeliest_feature
from meter.evaluate.newcomers import PhotoRegression, append_row
from meter.model import Meter, WordChoice
from meter.model.generation.sampling import SamplingConfig
from meter.notebook.card_maker import CardMaker
from meter.notebook.gallery import Gallery
from meter.notebook.known_names import KnownNames, Question
from meter.notebook.location import Location, located, word_attention
from meter.notebook.rows import (
    FeatureRow,
    ItemRow,
    NeighbourRow,
    UserRow,
    feature_rows,
    item_rows,
    neighbour_rows,
    user_rows,
)
from meter.notebook.table import Table
from meter.notebook.what_if import WhatIf
from meter.progress import tracked
from meter.report import Card
from meter.run_folder import RunFolder
from meter.special_words import SPECIAL_WORDS, UNK

if TYPE_CHECKING:
    from rich.console import Console


class Explainer:
    """A run, opened: ``run.explain(user=…, item=…, feature=…)`` gives a card that shows itself in a notebook.

    It generates exactly as the run's evaluation did: by the run's decoding, and in the precision that the run recorded.
    Every name that the run does not know raises InputError with the nearest it does.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._names = KnownNames(run)
        self._maker = CardMaker(run, self._names)

    def add_user(self, name: str) -> None:
        """Makes a user known who has no history: for the model the mean of all users. Cards are marked so.

        Only this object learns of the user; the run's files stay as they are.

        Raises InputError where the name is known already, and for a baseline.
        """
        table = self._maker.meter("add_user").embedding.users
        self._names.check_new("user", name)
        self._names.add_user(name, append_row(table, table.weight[: len(self.run.names.users)].mean(dim=0)))

    def add_item(
        self, name: str, photos: Sequence[Path | str | UInt8[np.ndarray, "_ _ 3"]]
    ) -> PhotoRegression:
        """Makes an item known that has photos and no review. Cards are marked so.

        Its vector is what ridge regression says of the photos' codes, made from the run's own items. Only this object
        learns of the item; the run's files stay as they are.

        photos: files, or pixels. Returns the regression: ``explained`` says how much photos tell of the run's items.

        Raises InputError where the name is known already, a photo cannot be read, or the run has no photos.
        """
        table = self._maker.meter("add_item").embedding.items
        self._names.check_new("item", name)
        if not photos:
            raise InputError(f"add_item: expected photos of {name}, found none")
        regression, codes = self.photo_regression, self._maker.encode(photos)
        self._names.add_item(name, append_row(table, regression.predict(codes)), codes)
        return regression

    @cached_property
    def photo_regression(self) -> PhotoRegression:
        """What photos tell of the run's own items. Raises InputError where the run has none, and for a baseline."""
        model, codes = self._maker.meter("add_item"), self.run.photo_codes
        if codes is None or model.config.picture_features:
            raise InputError(
                f"new items: expected a run that draws pictures from photos of its items, found {self.run.config.name}"
            )
        shown = [sorted(set().union(*photos.values())) for photos in self.run.catalogue.item_photos]
        rows = [row for row, photos in enumerate(shown) if photos]
        return PhotoRegression.fit(
            [np.asarray(codes[shown[row]]) for row in rows],
            model.embedding.items.weight[rows],
            model.config.num_codes,
        )

    def users(self) -> Table[UserRow]:
        """The users it knows, with their training records."""
        return user_rows(self.run.names.users, self.run.catalogue)

    def items(self) -> Table[ItemRow]:
        """The items it knows, with their training records and photos."""
        return item_rows(self.run.names.items, self.run.catalogue)

    def features(self, item: str | None = None) -> Table[FeatureRow]:
        """The feature words of the training records about an item, or of all; the most frequent first."""
        row = None if item is None else self._names.item(item)
        return feature_rows(self.run.catalogue, None if item in self._names.new_photos else row)

    def nearest(self, item: str, count: int = 5) -> Table[NeighbourRow]:
        """The items that the model has learned to be most like this one."""
        row = self._names.item(item)
        vectors = self._maker.meter("nearest").embedding.items.weight.detach()
        if item in self._names.new_photos:
            vectors = torch.cat([vectors[: len(self.run.names.items)], vectors[row : row + 1]])
            row = len(vectors) - 1
        else:
            vectors = vectors[: len(self.run.names.items)]
        return neighbour_rows(vectors, self.run.names.items, row, count)

    def explain(self, *, user: str, item: str, feature: str | None = None) -> Card:
        """Predicts the rating, writes the sentence and draws the picture.

        feature: what to speak of; None takes the feature word that the context head finds likeliest for the pair.
        Raises InputError for no feature where the run has no context head to choose it.
        """
        return self._maker.cards([self._question(user, item, feature)])[0]

    def watch(self, *, user: str, item: str, feature: str | None = None) -> Iterator[Card]:
        """``explain`` while it happens: a card after the rating, every word, every row of the picture.

        The last one is what ``explain`` gives. A baseline shows that one alone.
        """
        return self._maker.watch(self._question(user, item, feature))

    def explain_many(
        self,
        pairs: Iterable[tuple[str, str] | tuple[str, str, str | None]],
        console: "Console | None" = None,
    ) -> Gallery:
        """Explains many pairs, ``evaluation.batch_size`` at once.

        pairs: (user, item) or (user, item, feature).
        console: shows how many are done; nothing is shown where None.
        """
        questions = [self._question(pair[0], pair[1], pair[2] if len(pair) == 3 else None) for pair in pairs]
        size = self.run.config.evaluation.batch_size
        batches = [questions[start : start + size] for start in range(0, len(questions), size)]
        cards = [
            card
            for batch in tracked(batches, "explaining", len(batches), console)
            for card in self._maker.cards(batch)
        ]
        return Gallery(cards)

    def alternatives(
        self,
        *,
        user: str,
        item: str,
        feature: str | None = None,
        count: int = 4,
        temperature: float = 0.7,
        seed: int = 0,
    ) -> Gallery:
        """Other sentences for a pair, with their pictures: words are sampled, codes are chosen as in the run.

        temperature: above 0; the smaller, the closer to the likeliest sentence.
        """
        decoding = replace(
            self.run.config.evaluation.decoding,
            words=WordChoice.sample,
            word_sampling=SamplingConfig(temperature=temperature),
        )
        return Gallery(self._maker.cards([self._question(user, item, feature)] * count, decoding, seed))

    def what_if(
        self,
        card: Card,
        *,
        user: str | None = None,
        item: str | None = None,
        feature: str | None = None,
        sentence: str | None = None,
    ) -> WhatIf:
        """The same with another user, item or feature word, or the picture to another sentence.

        sentence: as people write it; words that the run does not know are ``<unk>`` to the model.
        Raises InputError unless exactly one of them is given, and for a sentence where the run draws no pictures.
        """
        given = {"user": user, "item": item, "feature": feature, "sentence": sentence}
        changes = {name: value for name, value in given.items() if value is not None}
        if len(changes) != 1:
            raise InputError(
                f"what_if: expected one of user=…, item=…, feature=…, sentence=…, found {len(changes)}"
            )
        if sentence is not None:
            after = self._maker.drawn_to(card, tokenized(sentence))
        else:
            after = self.explain(
                user=user or card.user, item=item or card.item, feature=feature or card.feature
            )
        ((name, value),) = changes.items()
        return WhatIf(before=card, after=after, change=f"{name}: {value}")

    def locate(self, card: Card, word: str) -> Location:
        """Where the picture of a card attends to a word of its sentence, the first of its kind.

        Raises InputError where the sentence does not have the word, or the card no picture.
        """
        if card.codes is None or card.image is None:
            raise InputError("locate: expected a card with a picture, found one without")
        tokens = card.text.split()[: self.run.model.config.text_length]
        if word not in tokens:
            raise InputError(f"locate: expected a word of “{card.text}”, found {word!r}")
        model = self._maker.meter("locate")
        users, items, features = self._maker.rows(
            [Question(user=card.user, item=card.item, feature=card.feature)]
        )
        codes = torch.tensor([card.codes], device=self._maker.fabric.device)
        words = self._maker.words([card.text])
        attention = word_attention(model, users, items, features, words, codes, tokens.index(word))
        return located(word, attention, card.image)

    def item_photos(self, item: str, feature: str | None = None) -> list[UInt8[np.ndarray, "S S 3"]]:
        """The photos of an item's training records, as the VQ-GAN decodes their codes; of a new item, all of them.

        feature: only those that suit records about it; all where None.
        """
        codes = self._maker.photo_codes(item, feature)
        return list(self._maker.decode(codes)) if codes else []

    def _question(self, user: str, item: str, feature: str | None = None) -> Question:
        """Checks the names, and chooses the feature word where none is given."""
        rows = [self._names.user(user)], [self._names.item(item)]
        model = self._maker.on_device(self.run.model)
        if not model.has_feature or not self._names.features:
            if feature is not None:
                raise InputError(f"this run was trained without feature words; leave feature={feature} out")
            return Question(user=user, item=item, feature=None)
        if feature is None:
            if not isinstance(model, Meter):
                raise InputError(
                    f"feature=… is missing: {self.run.config.name} does not say which is likeliest; it knows "
                    f"{', '.join(list(self._names.features)[:5])} …"
                )
            users, items = (torch.tensor(row, device=self._maker.fabric.device) for row in rows)
            numbers = torch.tensor(list(self._names.features.values()), device=self._maker.fabric.device)
            best = likeliest_feature(model, users, items, numbers, fabric=self._maker.fabric)
            feature = list(self._names.features)[best]
        self._names.feature(feature)
        return Question(user=user, item=item, feature=feature)


def tokenized(sentence: str) -> str:
    """A sentence as the model reads it, words separated by spaces; ``<unk>`` stays one word."""
    unknown = SPECIAL_WORDS[UNK]
    pieces = ([piece] if piece == unknown else tokenize(piece) for piece in sentence.split())
    return " ".join(token for tokens in pieces for token in tokens)
