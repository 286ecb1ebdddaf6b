"""A finished run, opened: what it knows, what it says, what changes what it says."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from jaxtyping import Int, Integer, UInt8
from torch import Tensor, nn

from meter.data import tokenize
from meter.data.images import decode_photo
from meter.errors import InputError
from meter.evaluate.generate import GeneratedExplanation, explain_pairs, explain_stepwise
from meter.evaluate.likeliest_feature import likeliest_feature
from meter.evaluate.network_inputs import encode_words
from meter.evaluate.newcomers import PhotoRegression, append_row
from meter.model import DecodingConfig, Meter, WordChoice
from meter.model.generation.sampling import SamplingConfig
from meter.notebook.gallery import Gallery
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
from meter.report.explanation import Mark
from meter.run_folder import RunFolder
from meter.special_words import PAD, SPECIAL_WORDS, UNK
from meter.train.devices import DeviceConfig, make_fabric
from meter.vq import pixels_from_images
from meter.vq.encode import encode_photos

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from rich.console import Console

Network = TypeVar("Network", bound=nn.Module)
UNCHOSEN = -1
"""Stands for a code that is not chosen yet."""
BLANK = 128
"""Grey of what is not drawn yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is to be explained; feature: None for a model without feature words."""

    user: str
    item: str
    feature: str | None


class Explainer:
    """A run, opened: ``run.explain(user=…, item=…, feature=…)`` gives a card that shows itself in a notebook.

    It generates exactly as the run's evaluation did: by the run's decoding, and in the precision that the run recorded.
    Every name that the run does not know raises InputError with the nearest it does.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.precision: str = run.manifest["precision"]
        self._users = {name: row for row, name in enumerate(run.names.users)}
        self._items = {name: row for row, name in enumerate(run.names.items)}
        self._marks: dict[tuple[str, str], Mark] = {}
        self._new_photos: dict[str, Integer[np.ndarray, "P M"]] = {}
        # Of the last question, whose card is laid out again and again while it is generated.
        self._photos: dict[Question, UInt8[np.ndarray, "S S 3"] | None] = {}
        self._features = {
            name: run.vocabulary.index[name] for name in run.names.features if name in run.vocabulary.index
        }

    def add_user(self, name: str) -> None:
        """Makes a user known who has no history: for the model the mean of all users. Cards are marked so.

        Only this object learns of the user; the run's files stay as they are.

        Raises InputError where the name is known already, and for a baseline.
        """
        table = self._meter("add_user").embedding.users
        _check_new(name, self._users, "user")
        self._users[name] = append_row(table, table.weight[: len(self.run.names.users)].mean(dim=0))
        self._marks["user", name] = Mark(label="new user", detail="nothing is known of them")

    def add_item(
        self, name: str, photos: Sequence[Path | str | UInt8[np.ndarray, "_ _ 3"]]
    ) -> PhotoRegression:
        """Makes an item known that has photos and no review. Cards are marked so.

        Its vector is what ridge regression says of the photos' codes, made from the run's own items. Only this object
        learns of the item; the run's files stay as they are.

        photos: files, or pixels. Returns the regression: ``explained`` says how much photos tell of the run's items.

        Raises InputError where the name is known already, a photo cannot be read, or the run has no photos.
        """
        table = self._meter("add_item").embedding.items
        _check_new(name, self._items, "item")
        if not photos:
            raise InputError(f"add_item: expected photos of {name}, found none")
        regression = self.photo_regression
        codes = self._encode(photos)
        self._items[name] = append_row(table, regression.predict(codes))
        self._new_photos[name] = codes
        count = f"{len(photos)} photo{'' if len(photos) == 1 else 's'}"
        self._marks["item", name] = Mark(label="new item", detail=f"known by {count} alone")
        return regression

    @cached_property
    def photo_regression(self) -> PhotoRegression:
        """What photos tell of the run's own items. Raises InputError where the run has none, and for a baseline."""
        model, codes = self._meter("add_item"), self.run.photo_codes
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
        row = None if item is None else find(item, self._items, "item")
        return feature_rows(self.run.catalogue, None if item in self._new_photos else row)

    def nearest(self, item: str, count: int = 5) -> Table[NeighbourRow]:
        """The items that the model has learned to be most like this one."""
        row = find(item, self._items, "item")
        vectors = self._meter("nearest").embedding.items.weight.detach()
        if item in self._new_photos:
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
        return self._cards([self._question(user, item, feature)])[0]

    def watch(self, *, user: str, item: str, feature: str | None = None) -> Iterator[Card]:
        """``explain`` while it happens: a card after the rating, every word, every row of the picture.

        The last one is what ``explain`` gives. A baseline shows that one alone.
        """
        question = self._question(user, item, feature)
        steps = explain_stepwise(
            self._on_device(self.run.model),
            self.run.vocabulary,
            *self._rows([question]),
            fabric=self.fabric,
            decoding=self.run.config.evaluation.decoding,
            generator=torch.Generator().manual_seed(self.run.config.seed),
        )
        for (explained,) in steps:
            codes = explained.codes
            if codes is None or UNCHOSEN not in codes or codes.index(UNCHOSEN) % self._row_length == 0:
                yield self._card(question, explained)

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
            for card in self._cards(batch)
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
        return Gallery(self._cards([self._question(user, item, feature)] * count, decoding, seed))

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
            after = self._drawn_to(card, tokenized(sentence))
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
        model = self._meter("locate")
        users, items, features = self._rows([Question(user=card.user, item=card.item, feature=card.feature)])
        codes = torch.tensor([card.codes], device=self.fabric.device)
        words = self._words([card.text])
        attention = word_attention(model, users, items, features, words, codes, tokens.index(word))
        return located(word, attention, card.image)

    def item_photos(self, item: str, feature: str | None = None) -> list[UInt8[np.ndarray, "S S 3"]]:
        """The photos of an item's training records, as the VQ-GAN decodes their codes; of a new item, all of them.

        feature: only those that suit records about it; all where None.
        """
        codes = self._photo_codes(item, feature)
        return list(self._decode(codes)) if codes else []

    def _photo_codes(self, item: str, feature: str | None = None) -> list[list[int]]:
        """The codes of these photos."""
        if item in self._new_photos:
            return self._new_photos[item].tolist()
        shown = self.run.catalogue.item_photos[find(item, self._items, "item")]
        chosen = set().union(*shown.values()) if feature is None else set(shown.get(feature, []))
        codes = self.run.photo_codes
        return [] if codes is None else [codes[photo].tolist() for photo in sorted(chosen)]

    @cached_property
    def fabric(self) -> "Fabric":
        """The run's precision, on the run's kind of device where this machine has one."""
        accelerator = "cpu" if self.run.config.device.accelerator == "cpu" else "auto"
        return make_fabric(DeviceConfig(accelerator=accelerator, precision=self.precision))

    def _question(self, user: str, item: str, feature: str | None = None) -> Question:
        """Checks the names, and chooses the feature word where none is given."""
        rows = [find(user, self._users, "user")], [find(item, self._items, "item")]
        model = self._on_device(self.run.model)
        if not model.has_feature or not self._features:
            if feature is not None:
                raise InputError(f"this run was trained without feature words; leave feature={feature} out")
            return Question(user=user, item=item, feature=None)
        if feature is None:
            if not isinstance(model, Meter):
                raise InputError(
                    f"feature=… is missing: {self.run.config.name} does not say which is likeliest; it knows "
                    f"{', '.join(list(self._features)[:5])} …"
                )
            users, items = (torch.tensor(row, device=self.fabric.device) for row in rows)
            numbers = torch.tensor(list(self._features.values()), device=self.fabric.device)
            best = likeliest_feature(model, users, items, numbers, fabric=self.fabric)
            feature = list(self._features)[best]
        find(feature, self._features, "feature")
        return Question(user=user, item=item, feature=feature)

    def _rows(
        self, questions: Sequence[Question]
    ) -> tuple[Int[Tensor, " B"], Int[Tensor, " B"], Int[Tensor, " B"] | None]:
        """Users, items and feature words as the model takes them."""
        device = self.fabric.device
        users = torch.tensor([self._users[question.user] for question in questions], device=device)
        items = torch.tensor([self._items[question.item] for question in questions], device=device)
        if not self.run.model.has_feature:
            return users, items, None
        # PAD stands for no feature word: of a dataset that has none.
        numbers = [self._features.get(question.feature or "", PAD) for question in questions]
        return users, items, torch.tensor(numbers, device=device)

    def _words(self, texts: Sequence[str]) -> Int[Tensor, "B S"]:
        words = encode_words(texts, self.run.vocabulary, self.run.model.config.text_length + 1)
        return words.to(self.fabric.device)

    def _cards(
        self, questions: Sequence[Question], decoding: DecodingConfig | None = None, seed: int | None = None
    ) -> list[Card]:
        """Generates and lays out; by the run's decoding and seed where None."""
        run = self.run
        explained = explain_pairs(
            self._on_device(run.model),
            run.vocabulary,
            *self._rows(questions),
            fabric=self.fabric,
            decoding=decoding or run.config.evaluation.decoding,
            generator=torch.Generator().manual_seed(run.config.seed if seed is None else seed),
        )
        return [self._card(question, each) for question, each in zip(questions, explained, strict=True)]

    def _card(self, question: Question, explained: GeneratedExplanation) -> Card:
        run = self.run
        photo = None
        # Beside a picture that was drawn; one that was chosen is such a photo itself.
        if isinstance(run.model, Meter) and explained.codes is not None and run.catalogue_file.is_file():
            photo = self._photo(question)
        return Card(
            user=question.user,
            item=question.item,
            feature=question.feature,
            rating=explained.predicted_rating,
            text=explained.text,
            context=explained.context,
            context_probabilities=explained.context_probabilities,
            image=self._picture(explained.codes),
            image_source=run.model.image_source,
            codes=explained.codes,
            photo=photo,
            photo_source="the item’s photo, decoded",
            match=self._match(explained.text, explained.codes, question),
            matcher_auc=run.matcher.auc if run.matcher else None,
            best_rating=round(run.names.highest_rating),
            marks=[
                self._marks[key]
                for key in (("user", question.user), ("item", question.item))
                if key in self._marks
            ],
        )

    def _photo(self, question: Question) -> UInt8[np.ndarray, "S S 3"] | None:
        """A photo of the item that suits the feature word, else any."""
        if question not in self._photos:
            codes = self._photo_codes(question.item, question.feature) or self._photo_codes(question.item)
            self._photos = {question: self._decode(codes[:1])[0] if codes else None}
        return self._photos[question]

    def _drawn_to(self, card: Card, text: str) -> Card:
        """The card with another sentence and the picture to it."""
        model = self._meter("what_if(sentence=…)")
        if card.codes is None:
            raise InputError("what_if(sentence=…): expected a card with a picture, found one without")
        question = Question(user=card.user, item=card.item, feature=card.feature)
        with self.fabric.autocast():
            drawn = model.draw(
                *self._rows([question]),
                self._words([text]),
                decoding=self.run.config.evaluation.decoding,
                generator=torch.Generator().manual_seed(self.run.config.seed),
            )
        codes = drawn[0].tolist()
        match = self._match(text, codes, question)
        return replace(card, text=text, codes=codes, image=self._picture(codes), match=match)

    @property
    def _row_length(self) -> int:
        """Codes in a row of a picture."""
        assert isinstance(self.run.model, Meter)
        return self.run.model.config.grid[-1]

    def _picture(self, codes: list[int] | None) -> UInt8[np.ndarray, "S S 3"] | None:
        """The picture that codes stand for; grey below the last whole row where some are not chosen yet."""
        if codes is None or self.run.vq is None:
            return None
        picture = self._decode([[max(code, 0) for code in codes]])[0]
        if UNCHOSEN in codes:
            done = codes.index(UNCHOSEN) // self._row_length * self._row_length
            picture[len(picture) * done // len(codes) :] = BLANK
        return picture

    @torch.no_grad()
    def _encode(
        self, photos: Sequence[Path | str | UInt8[np.ndarray, "_ _ 3"]]
    ) -> Integer[np.ndarray, "P M"]:
        assert self.run.vq is not None
        pixels = [square_of(photo, self.run.vq.config.image_size) for photo in photos]
        return encode_photos(self._on_device(self.run.vq), np.stack(pixels))

    @torch.no_grad()
    def _decode(self, codes: list[list[int]]) -> UInt8[np.ndarray, "B S S 3"]:
        assert self.run.vq is not None
        images = self._on_device(self.run.vq).decode(torch.tensor(codes, device=self.fabric.device))
        return pixels_from_images(images)

    @torch.no_grad()
    def _match(self, text: str, codes: list[int] | None, question: Question) -> float | None:
        """How well the matcher finds that sentence and picture go together; None where it cannot tell."""
        matcher = self.run.matcher
        if codes is None or UNCHOSEN in codes or matcher is None or not matcher.above_chance:
            return None
        features = self._rows([question])[2]
        asked = None if features is None else features.cpu()
        return float(matcher.match(self._words([text]).cpu(), torch.tensor([codes]), asked)[0])

    def _meter(self, asked: str) -> Meter:
        """The model, where it is METER, PETER or PETER+. Raises InputError for a baseline."""
        model = self.run.model
        if not isinstance(model, Meter):
            raise InputError(f"{asked}: expected a run of METER or PETER, found {self.run.config.name}")
        return self._on_device(model)

    def _on_device(self, network: Network) -> Network:
        self.fabric.to_device(network)
        return network


def tokenized(sentence: str) -> str:
    """A sentence as the model reads it, words separated by spaces; ``<unk>`` stays one word."""
    unknown = SPECIAL_WORDS[UNK]
    pieces = ([piece] if piece == unknown else tokenize(piece) for piece in sentence.split())
    return " ".join(token for tokens in pieces for token in tokens)


def square_of(photo: Path | str | UInt8[np.ndarray, "_ _ 3"], size: int) -> UInt8[np.ndarray, "S S 3"]:
    """A photo as the VQ-GAN reads it: upright, middle square. Raises InputError where it cannot be read."""
    if not isinstance(photo, np.ndarray):
        return decode_photo(Path(photo), size)
    from PIL import Image

    height, width, _ = photo.shape
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    square = Image.fromarray(photo[top : top + side, left : left + side])
    return np.asarray(square.resize((size, size), Image.Resampling.LANCZOS))


def _check_new(name: str, known: dict[str, int], kind: str) -> None:
    if name in known:
        raise InputError(f"the run knows the {kind} {name!r} already; take another name")


def find(name: str, known: dict[str, int], kind: str) -> int:
    """The row of a name. Raises InputError with the nearest known ones."""
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=3, cutoff=0.3)
    hint = f"; near are {', '.join(near)}" if near else f"; it knows {', '.join(list(known)[:5])} …"
    raise InputError(f"the run does not know the {kind} {name!r}{hint}")
