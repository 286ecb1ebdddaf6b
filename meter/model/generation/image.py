"""Decoding of pictures, code after code, row by row."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from meter.model.generation.incremental import IncrementalModel
from meter.model.generation.sampling import Chooser
from meter.model.generation.text import Sentences
from meter.model.sequence import present_slots
from meter.special_words import PAD


class ImageDecoder:
    """The codes of B pictures, and a step that adds one to each.

    Guidance contrasts, as in classifier-free guidance (Ho and Salimans, 2022), the model with the same model that
    sees the user and the item but no word of the sentence: logits = l₀ + guidance · (l − l₀). No training is needed:
    an absent word is a slot that nobody sees. The batch is doubled then, R = 2B: first those that see the sentence.

    guidance: how much what the sentence adds counts; 1 is the model as it is.
    """

    def __init__(self, sentences: Sentences[IncrementalModel], chooser: Chooser, guidance: float) -> None:
        model, words, rows = sentences.model, sentences.words, sentences.rows
        assert model.embedding.visual is not None
        visible = present_slots(model.layout, words)
        self.guided = guidance != 1
        if self.guided:
            rows = torch.cat([rows, rows])
            visible = torch.cat([visible, present_slots(model.layout, torch.full_like(words, PAD))])
        self.layout = model.layout
        self.model = model.select_rows(rows, model.layout.length)
        self.embedding = model.embedding.visual
        self.guidance = guidance
        self.chooser = chooser
        self.words = words
        self.visible: Bool[Tensor, "R 1 1 T"] = visible[:, None, None]
        self.positions: Float[Tensor, "M D"] = self.embedding.axial_positions()
        self.examples = torch.arange(len(words), device=words.device)
        self.indices = torch.arange(model.layout.visual_length, device=words.device)
        self.codes = torch.empty(len(words), len(self.indices), dtype=torch.long, device=words.device)

    def choose_first(self) -> None:
        """Encodes the last word, which no other word waited for, with BOI, and chooses the first code."""
        model, layout = self.model, self.layout
        model.skip_to(layout.text.stop - 1)
        last = model.embedding.embed_word(self.words[:, -2], layout.text_length - 1)
        tokens = torch.cat([last, model.embedding.embed_boi(len(last))], dim=1)
        end = layout.visual.start + 1
        visible = self.visible[..., :end] & model.visible[end - 2 : end, :end]
        self._choose(self._encode(tokens, model, visible), self.indices[:1])

    def choose_others(self) -> None:
        """Chooses all codes but the first; every step reads the slots that are filled."""
        for index in range(1, len(self.indices)):
            self.choose_next(index)

    def choose_next(self, index: int) -> None:
        """Chooses the code at ``index``, where those before are chosen."""
        visible = self.visible[..., : self.layout.visual.start + index + 1]
        self.choose(self.indices[index : index + 1], self.model, visible)

    def choose(
        self, index: Int[Tensor, "1"], model: IncrementalModel, visible: Bool[Tensor, "R 1 1 T"]
    ) -> None:
        """Reads the code before ``index`` and chooses the one at ``index``.

        visible: which of the T slots that the model reads are seen.
        """
        before = index - 1
        token = self.embedding.embed_at(self.positions[before], self.codes[:, before])
        self._choose(self._encode(token, model, visible), index)

    def _encode(
        self, tokens: Float[Tensor, "B Q D"], model: IncrementalModel, visible: Bool[Tensor, "R 1 Q T"]
    ) -> Float[Tensor, "R D"]:
        if self.guided:
            tokens = torch.cat([tokens, tokens])
        return model.extend(tokens, visible)[:, -1]

    def _choose(self, state: Float[Tensor, "R D"], index: Int[Tensor, "1"]) -> None:
        assert self.model.visual_head is not None
        logits = self.model.visual_head(state)
        if self.guided:
            with_sentence, without = logits.chunk(2)
            logits = without + self.guidance * (with_sentence - without)
        self.codes[:, index] = self.chooser.choose(logits, self.examples, index)[:, None]
