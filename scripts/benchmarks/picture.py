"""Whole explanations at METER's sizes, sentence and picture: encoding all again for every token, beside the cache."""

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from meter.model import BOS, EOS, PAD, Meter, ModelConfig
from meter.model.sequence import present_slots

from .arithmetic import FORWARD, Slots, Work, count_flops, decoded, decoding_bytes, square, total
from .generation import NEVER
from .machine import Precision
from .part import Comparison, Row, Settings
from .records import PETER_SIZES, QUICK_SIZES, Sizes, draw_records

PART = "picture"
NOTE = (
    "the reference is the same network: it encodes what exists so far again for every word and every code; "
    "EOS is ruled out, so that all words are written"
)
SMALL_BATCH, LARGE_BATCH = 16, 128


@dataclass(frozen=True, slots=True)
class Pairs:
    """B users, items and feature words."""

    users: Tensor
    items: Tensor
    features: Tensor


@dataclass(frozen=True, slots=True)
class Drawn:
    """Sentences (B, N + 1) and pictures (B, M)."""

    words: Tensor
    codes: Tensor


def meter_config(sizes: Sizes, *, num_codes: int, side: int) -> ModelConfig:
    """METER with pictures of side × side codes, of the paper's form where PETER's is another."""
    return ModelConfig(
        num_users=sizes.users,
        num_items=sizes.items,
        num_words=sizes.words,
        num_codes=num_codes,
        text_length=sizes.text_length,
        grid=[side, side],
        width=sizes.width,
        layers=sizes.layers,
        heads=sizes.heads,
        feedforward=sizes.feedforward,
        dropout=sizes.dropout,
    )


FULL = meter_config(PETER_SIZES, num_codes=1024, side=16)
QUICK = meter_config(QUICK_SIZES, num_codes=16, side=3)


def draw_pairs(sizes: Sizes, batch: int, device: torch.device) -> Pairs:
    """The first ``batch`` of random records."""
    records = draw_records(sizes)
    arrays = (records.users, records.items, records.features)
    return Pairs(*(torch.from_numpy(array[:batch]).to(device) for array in arrays))


@torch.no_grad()
def generate_without_cache(model: Meter, pairs: Pairs, precision: Precision) -> Drawn:
    """Greedy words and codes without a cache: each from a pass over everything before it.

    Only what exists is encoded, and only the last slot projected: the plain way at its best.
    """
    with precision.autocast(pairs.users.device):
        return choose_without_cache(model, pairs)


def choose_without_cache(model: Meter, pairs: Pairs) -> Drawn:
    """The same in the precision that the caller has chosen."""
    layout, batch = model.layout, len(pairs.users)
    visual = model.heads.visual
    if visual is None:
        raise ValueError("expected a model with pictures, found one without a visual head")
    words = pairs.users.new_full((batch, layout.text_length + 1), PAD)
    codes = pairs.users.new_zeros((batch, layout.visual_length))
    going = torch.ones_like(pairs.users, dtype=torch.bool)
    for index in range(layout.text_length):
        logits = model.heads.text(last_state(model, pairs, words, None, layout.text.start + index + 1))
        logits[:, [PAD, BOS]] = -torch.inf
        words[:, index] = torch.where(going, logits.argmax(dim=1), PAD)
        going &= words[:, index] != EOS
    words[:, -1] = torch.where(going, EOS, PAD)
    for index in range(layout.visual_length):
        logits = visual(last_state(model, pairs, words, codes, layout.visual.start + index + 1))
        codes[:, index] = logits.argmax(dim=1)
    return Drawn(words, codes)


def last_state(model: Meter, pairs: Pairs, words: Tensor, codes: Tensor | None, length: int) -> Tensor:
    """The state (B, D) of the last of the first ``length`` slots, all of them encoded."""
    tokens = model.embedding(pairs.users, pairs.items, pairs.features, words, codes)[:, :length]
    visible = model.visible[:length, :length] & present_slots(model.layout, words)[:, None, :length]
    return model.transformer(tokens, visible)[:, -1]


def slots_without_cache(config: ModelConfig, batch: int) -> Slots:
    """What ``generate_without_cache`` encodes and projects."""
    layout = config.layout()
    for_words = [layout.text.start + index + 1 for index in range(layout.text_length)]
    for_codes = [layout.visual.start + index + 1 for index in range(layout.visual_length)]
    return total(
        [
            *(Slots(encoded=batch * each, attended=batch * square(each), words=batch) for each in for_words),
            *(Slots(encoded=batch * each, attended=batch * square(each), codes=batch) for each in for_codes),
        ]
    )


def draw(model: Meter, pairs: Pairs, precision: Precision) -> Drawn:
    """The same by the library."""
    with precision.autocast(pairs.users.device):
        done = model.generate(pairs.users, pairs.items, pairs.features)
    assert done.codes is not None
    return Drawn(done.words, done.codes)


def measure(settings: Settings) -> list[Row]:
    """Both ways at a small batch, a row for each pairing of precisions; ours alone at a large one."""
    config, sizes = (QUICK, QUICK_SIZES) if settings.quick else (FULL, PETER_SIZES)
    small, large = (2, 4) if settings.quick else (SMALL_BATCH, LARGE_BATCH)
    torch.manual_seed(0)
    model = Meter(config).eval().to(settings.device)
    with torch.no_grad():
        model.heads.text.bias[EOS] = NEVER
    pairs = {batch: draw_pairs(sizes, batch, settings.device) for batch in (small, large)}
    sides = {}
    for precision in settings.precisions:
        plain = partial(generate_without_cache, model, pairs[small], precision)
        sides[f"reference {precision.name}"] = settings.slow_side(plain)
        for batch in (small, large):
            ours = partial(draw, model, pairs[batch], precision)
            sides[f"ours {batch} {precision.name}"] = settings.side(ours)
    timings = settings.timed(sides)

    def row(batch: int, precision: Precision, name: str) -> Row:
        needed = decoded(config, batch)
        least = Work(
            flops=count_flops(config, needed, FORWARD), bytes=decoding_bytes(config, needed, precision.bytes)
        )
        return Row(
            part=PART,
            case=f"{batch} sentences and pictures of {config.layout().visual_length} codes, {name}",
            ours=timings[f"ours {batch} {precision.name}"],
            amount=batch,
            unit="explanations",
            least=least,
            floor=settings.machine.floor(least, precision),
        )

    again = count_flops(config, slots_without_cache(config, small), FORWARD)
    beside = [
        replace(
            row(small, pairing.ours, pairing.name),
            reference=timings[f"reference {pairing.reference.name}"],
            reference_flops=again,
            note=NOTE,
        )
        for pairing in settings.pairings
    ]
    return [*beside, *(row(large, precision, precision.name) for precision in settings.precisions)]


def compare(device: torch.device) -> list[Comparison]:
    """How many words and codes differ, with weights large enough for every one to matter."""
    torch.manual_seed(0)
    model = Meter(QUICK).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.5)
    model.to(device)
    pairs = draw_pairs(QUICK_SIZES, QUICK_SIZES.batch, device)
    expected = generate_without_cache(model, pairs, Precision.float32)
    found = draw(model, pairs, Precision.float32)
    return [
        Comparison(PART, name, float((getattr(found, name) != getattr(expected, name)).sum()), 0.0)
        for name in Drawn.__slots__
    ]
