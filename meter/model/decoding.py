"""Greedy generation in the paper's order, rating → text → picture, with a key–value cache."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from meter.model.sequence import BOS, EOS, PAD, Mask
from meter.model.transformer import Cache

if TYPE_CHECKING:
    from meter.model.meter import Meter


@dataclass(slots=True)
class Generated:
    """What was generated for each pair.

    context: the N words that the context head finds most likely, best first.
    words: the sentence, EOS, then PAD.
    codes: the picture row by row; None for a model without pictures.
    """

    rating: Float[Tensor, " B"]
    context: Int[Tensor, "B N"]
    words: Int[Tensor, "B S"]
    codes: Int[Tensor, "B M"] | None


@dataclass(slots=True)
class Prefix:
    """What [u, i, f, BOS] gives: rating, context logits, and the state that predicts the first word."""

    rating: Float[Tensor, " B"]
    context: Float[Tensor, "B W"]
    state: Float[Tensor, "B D"]


def generate(
    model: "Meter", users: Int[Tensor, " B"], items: Int[Tensor, " B"], features: Int[Tensor, " B"] | None
) -> Generated:
    """Generates for B pairs at once; a sentence that has ended waits for the others without being seen."""
    if model.config.mask is Mask.literal:
        raise ValueError(
            "mask=literal lets u and i see words that do not exist yet; generate with mask=peter or prefix"
        )
    cache = Cache(model.config, len(users), model.layout.length, model.embedding.users.weight)
    prefix = encode_prefix(model, cache, users, items, features)
    words = decode_text(model, cache, prefix.state)
    codes = decode_picture(model, cache) if model.config.num_codes else None
    num_context = min(model.config.text_length, model.config.num_words)
    context = prefix.context.topk(num_context, dim=-1).indices
    return Generated(rating=prefix.rating, context=context, words=words, codes=codes)


def encode_prefix(
    model: "Meter",
    cache: Cache,
    users: Int[Tensor, " B"],
    items: Int[Tensor, " B"],
    features: Int[Tensor, " B"] | None,
) -> Prefix:
    """Encodes [u, i, f, BOS] in one pass and reads the heads that need nothing more."""
    tokens = model.embedding.conditions(users, items, features)
    length = tokens.shape[1]
    everyone = _everyone(tokens)
    states = model.transformer.extend(tokens, cache, everyone, model.visible[:length, :length])
    return Prefix(
        rating=model.heads.rating(states[:, 0]),
        context=model.heads.context_words(states[:, 1]),
        state=states[:, -1],
    )


def decode_text(model: "Meter", cache: Cache, state: Float[Tensor, "B D"]) -> Int[Tensor, "B S"]:
    """Chooses word after word until every sentence has ended or is n words long."""
    length = model.config.text_length
    words = torch.full((len(state), length + 1), PAD, dtype=torch.long, device=state.device)
    going = torch.ones(len(state), dtype=torch.bool, device=state.device)
    for index in range(length):
        chosen = choose_word(model.heads.text(state))
        words[:, index] = torch.where(going, chosen, words[:, index])
        going = going & (chosen != EOS)
        state = model.transformer.extend(
            model.embedding.text_step(words[:, index], index), cache, going[:, None]
        )[:, -1]
    words[:, length] = torch.where(going, EOS, PAD)
    return words


def decode_picture(model: "Meter", cache: Cache) -> Int[Tensor, "B M"]:
    """Chooses code after code, row by row."""
    assert model.embedding.visual is not None
    assert model.heads.visual is not None
    batch, length = cache.visible.shape[0], model.layout.visual_length
    codes = torch.empty(batch, length, dtype=torch.long, device=cache.visible.device)
    token = model.embedding.boi(batch)
    everyone = _everyone(token)
    for place in range(length):
        state = model.transformer.extend(token, cache, everyone)[:, -1]
        codes[:, place] = model.heads.visual(state).argmax(dim=-1)
        token = model.embedding.visual.step(codes[:, place], place)
    return codes


def choose_word(logits: Float[Tensor, "B W"]) -> Int[Tensor, " B"]:
    """The most likely word; PAD and BOS are no words, never trained, and cannot be chosen."""
    logits = logits.clone()
    logits[:, [PAD, BOS]] = -torch.inf
    return logits.argmax(dim=-1)


def _everyone(tokens: Float[Tensor, "B Q D"]) -> Bool[Tensor, "B Q"]:
    return torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
