"""Makes cards: the networks of a run on their device, and what they generate, laid out with its pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from jaxtyping import Int, Integer, UInt8
from PIL import Image
from torch import Tensor, nn

from meter.data.images import decode_photo, middle_square
from meter.errors import InputError
from meter.evaluate.generate import GeneratedExplanation, explain_pairs, explain_stepwise
from meter.evaluate.network_inputs import encode_words
from meter.model import DecodingConfig, Meter
from meter.notebook.known_names import KnownNames, Question
from meter.report import Card
from meter.run_folder import RunFolder
from meter.train.devices import DeviceConfig, make_fabric
from meter.vq import pixels_from_images
from meter.vq.encode import encode_photos

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Network = TypeVar("Network", bound=nn.Module)
UNCHOSEN = -1
"""Stands for a code that is not chosen yet."""
BLANK = 128
"""Grey of what is not drawn yet."""


class CardMaker:
    """Generates and lays out, by the run's decoding and in the precision that the run recorded."""

    def __init__(self, run: RunFolder, names: KnownNames) -> None:
        self.run, self.names = run, names
        self.precision: str = run.manifest["precision"]
        # Of the last question, whose card is laid out again and again while it is generated.
        self._photos: dict[Question, UInt8[np.ndarray, "S S 3"] | None] = {}

    @cached_property
    def fabric(self) -> "Fabric":
        """The run's precision, on the run's kind of device where this machine has one."""
        accelerator = "cpu" if self.run.config.device.accelerator == "cpu" else "auto"
        return make_fabric(DeviceConfig(accelerator=accelerator, precision=self.precision))

    def rows(
        self, questions: Sequence[Question]
    ) -> tuple[Int[Tensor, " B"], Int[Tensor, " B"], Int[Tensor, " B"] | None]:
        """Users, items and feature words as the model takes them."""
        return self.names.rows(questions, self.fabric.device, has_feature=self.run.model.has_feature)

    def words(self, texts: Sequence[str]) -> Int[Tensor, "B S"]:
        words = encode_words(texts, self.run.vocabulary, self.run.model.config.text_length + 1)
        return words.to(self.fabric.device)

    def cards(
        self, questions: Sequence[Question], decoding: DecodingConfig | None = None, seed: int | None = None
    ) -> list[Card]:
        """Generates and lays out; by the run's decoding and seed where None."""
        run = self.run
        explained = explain_pairs(
            self.on_device(run.model),
            run.vocabulary,
            *self.rows(questions),
            fabric=self.fabric,
            decoding=decoding or run.config.evaluation.decoding,
            generator=torch.Generator().manual_seed(run.config.seed if seed is None else seed),
        )
        return [self._card(question, each) for question, each in zip(questions, explained, strict=True)]

    def watch(self, question: Question) -> Iterator[Card]:
        """A card after the rating, every word, every row of the picture; the last one is finished."""
        steps = explain_stepwise(
            self.on_device(self.run.model),
            self.run.vocabulary,
            *self.rows([question]),
            fabric=self.fabric,
            decoding=self.run.config.evaluation.decoding,
            generator=torch.Generator().manual_seed(self.run.config.seed),
        )
        for (explained,) in steps:
            codes = explained.codes
            if codes is None or UNCHOSEN not in codes or codes.index(UNCHOSEN) % self._row_length == 0:
                yield self._card(question, explained)

    def photo_codes(self, item: str, feature: str | None = None) -> list[list[int]]:
        """The codes of these photos."""
        if item in self.names.new_photos:
            return self.names.new_photos[item].tolist()
        shown = self.run.catalogue.item_photos[self.names.item(item)]
        chosen = set().union(*shown.values()) if feature is None else set(shown.get(feature, []))
        codes = self.run.photo_codes
        return [] if codes is None else [codes[photo].tolist() for photo in sorted(chosen)]

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
            marks=self.names.marks(question),
        )

    def _photo(self, question: Question) -> UInt8[np.ndarray, "S S 3"] | None:
        """A photo of the item that suits the feature word, else any."""
        if question not in self._photos:
            codes = self.photo_codes(question.item, question.feature) or self.photo_codes(question.item)
            self._photos = {question: self.decode(codes[:1])[0] if codes else None}
        return self._photos[question]

    def drawn_to(self, card: Card, text: str) -> Card:
        """The card with another sentence and the picture to it."""
        model = self.meter("what_if(sentence=…)")
        if card.codes is None:
            raise InputError("what_if(sentence=…): expected a card with a picture, found one without")
        question = Question(user=card.user, item=card.item, feature=card.feature)
        with self.fabric.autocast():
            drawn = model.draw(
                *self.rows([question]),
                self.words([text]),
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
        picture = self.decode([[max(code, 0) for code in codes]])[0]
        if UNCHOSEN in codes:
            done = codes.index(UNCHOSEN) // self._row_length * self._row_length
            picture[len(picture) * done // len(codes) :] = BLANK
        return picture

    @torch.no_grad()
    def encode(self, photos: Sequence[Path | str | UInt8[np.ndarray, "_ _ 3"]]) -> Integer[np.ndarray, "P M"]:
        """The codes of photos. Raises InputError where a file cannot be read."""
        assert self.run.vq is not None
        size = self.run.vq.config.image_size
        pixels = [
            middle_square(Image.fromarray(photo), size)
            if isinstance(photo, np.ndarray)
            else decode_photo(Path(photo), size)
            for photo in photos
        ]
        return encode_photos(self.on_device(self.run.vq), np.stack(pixels))

    @torch.no_grad()
    def decode(self, codes: list[list[int]]) -> UInt8[np.ndarray, "B S S 3"]:
        assert self.run.vq is not None
        images = self.on_device(self.run.vq).decode(torch.tensor(codes, device=self.fabric.device))
        return pixels_from_images(images)

    @torch.no_grad()
    def _match(self, text: str, codes: list[int] | None, question: Question) -> float | None:
        """How well the matcher finds that sentence and picture go together; None where it cannot tell."""
        matcher = self.run.matcher
        if codes is None or UNCHOSEN in codes or matcher is None or not matcher.above_chance:
            return None
        features = self.rows([question])[2]
        asked = None if features is None else features.cpu()
        return float(matcher.match(self.words([text]).cpu(), torch.tensor([codes]), asked)[0])

    def meter(self, asked: str) -> Meter:
        """The model, where it is METER, PETER or PETER+. Raises InputError for a baseline."""
        model = self.run.model
        if not isinstance(model, Meter):
            raise InputError(f"{asked}: expected a run of METER or PETER, found {self.run.config.name}")
        return self.on_device(model)

    def on_device(self, network: Network) -> Network:
        self.fabric.to_device(network)
        return network
