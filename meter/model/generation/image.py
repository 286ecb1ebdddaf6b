"""Decoding of pictures, code after code, row by row."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from meter.model.generation.incremental import IncrementalTransformer
from meter.model.generation.sampling import Chooser
from meter.model.generation.text import Sentences
from meter.model.sequence import present_slots
from meter.special_words import PAD

if TYPE_CHECKING:
    from meter.model.meter import Meter


def decode_picture(
    model: "Meter", sentences: Sentences, chooser: Chooser, guidance: float
) -> Int[Tensor, "B M"]:
    """Chooses all codes.

    guidance: how much what the sentence adds counts; 1 is the model as it is.
    """
    decoder = PictureDecoder(model, sentences, chooser, guidance)
    decoder.begin()
    if sentences.words.device.type == "cuda":
        from meter.model.generation.cuda_graph import decode_captured

        decode_captured(decoder)
    else:
        decoder.decode()
    return decoder.codes


class PictureDecoder:
    """The codes of B pictures, and a step that adds one to each.

    Guidance contrasts, as in classifier-free guidance (Ho and Salimans, 2022), the model with the same model that
    sees the user and the item but no word of the sentence: logits = l₀ + guidance · (l − l₀). No training is needed:
    an absent word is a slot that nobody sees. The rows are doubled then: first those that see the sentence.
    """

    def __init__(self, model: "Meter", sentences: Sentences, chooser: Chooser, guidance: float) -> None:
        visual = model.embedding.visual
        assert visual is not None
        words, rows = sentences.words, sentences.rows
        visible = present_slots(model.layout, words)
        self.guided = guidance != 1
        if self.guided:
            rows = torch.cat([rows, rows])
            visible = torch.cat([visible, present_slots(model.layout, torch.full_like(words, PAD))])
        self.model = model
        self.visual = visual
        self.guidance = guidance
        self.chooser = chooser
        self.words = words
        self.encoder = sentences.encoder.take(rows, model.layout.length)
        self.visible: Bool[Tensor, "R 1 1 T"] = visible[:, None, None]
        self.positions: Float[Tensor, "M D"] = visual.axial_positions()
        self.examples = torch.arange(len(words), device=words.device)
        self.places = torch.arange(model.layout.visual_length, device=words.device)
        self.codes = torch.empty(len(words), len(self.places), dtype=torch.long, device=words.device)

    def begin(self) -> None:
        """Encodes the last word, which no other word waited for, with BOI, and chooses the first code."""
        model, layout = self.model, self.model.layout
        self.encoder.skip_to(layout.text.stop - 1)
        last = model.embedding.embed_word(self.words[:, -2], layout.text_length - 1)
        tokens = torch.cat([last, model.embedding.embed_boi(len(last))], dim=1)
        end = layout.visual.start + 1
        visible = self.visible[..., :end] & model.visible[end - 2 : end, :end]
        self._choose(self._encode(tokens, self.encoder, visible), self.places[:1])

    def decode(self) -> None:
        """Chooses all codes but the first; every step reads the slots that are filled."""
        start = self.model.layout.visual.start
        for place in range(1, len(self.places)):
            self.step(self.places[place : place + 1], self.encoder, self.visible[..., : start + place + 1])

    def step(
        self, place: Int[Tensor, "1"], encoder: IncrementalTransformer, visible: Bool[Tensor, "R 1 1 T"]
    ) -> None:
        """Reads the code before ``place`` and chooses the one that stands there.

        visible: which of the T slots that the encoder reads are seen.
        """
        before = place - 1
        token = self.visual.embed_at(self.positions[before], self.codes[:, before])
        self._choose(self._encode(token, encoder, visible), place)

    def _encode(
        self,
        tokens: Float[Tensor, "B Q D"],
        encoder: IncrementalTransformer,
        visible: Bool[Tensor, "R 1 Q T"],
    ) -> Float[Tensor, "R D"]:
        if self.guided:
            tokens = torch.cat([tokens, tokens])
        return encoder.extend(tokens, visible)[:, -1]

    def _choose(self, state: Float[Tensor, "R D"], place: Int[Tensor, "1"]) -> None:
        assert self.encoder.visual_head is not None
        logits = self.encoder.visual_head(state)
        if self.guided:
            seeing, blind = logits.chunk(2)
            logits = blind + self.guidance * (seeing - blind)
        self.codes[:, place] = self.chooser.choose(logits, self.examples, place)[:, None]
