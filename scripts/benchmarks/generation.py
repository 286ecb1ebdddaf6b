"""Sentences of PETER+ at its published sizes: every word by encoding all before it again, beside the cache."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from meter.model import EOS, PAD, Meter
from meter.model.peter import word_order

from .arithmetic import FORWARD, Slots, Work, causal, count_flops, decoding_bytes, square, total
from .machine import Precision
from .part import Comparison, Row, Settings
from .peter import BOS as PETER_BOS
from .peter import CONDITIONS, Peter, in_peters_numbers, opened_as_meter, write_sentences
from .peter import EOS as PETER_EOS
from .peter import PAD as PETER_PAD
from .records import PETER_SIZES, QUICK_SIZES, Sizes, draw_records

PART = "generation"
NEVER, ENDING, LIKE_REVIEWS = -100.0, 3.0, 3.5
"""Biases of a word that nothing chooses, and of an eos that ends sentences at many lengths: at the quick sizes, and at
PETER's as TripAdvisor's do, after some 11 words."""
WHOLE = "greedy, rating and context included; eos is ruled out, so that both sides write all words"
ENDED = (
    "greedy, rating and context included; eos ends sentences as early and as late as reviews end: PETER's code writes "
    "on to the last word, ours drops what has ended; the floor counts words that are kept"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Writers:
    """PETER and METER with the same weights, and the B pairs and feature words, each in its own numbers."""

    peter: Peter
    meter: Meter
    users: Tensor
    items: Tensor
    peters_features: Tensor
    features: Tensor
    text_length: int

    @classmethod
    def of(cls, sizes: Sizes, device: torch.device, *, end: float) -> "Writers":
        """Random weights; words that PETER is never trained to say are ruled out, as our generation does.

        end: what the logit of eos has ahead of those of all other words.
        """
        torch.manual_seed(0)
        peter, records = Peter(sizes).eval(), draw_records(sizes)
        with torch.no_grad():
            peter.hidden2token.bias[[PETER_PAD, PETER_BOS]] = NEVER
            peter.hidden2token.bias[PETER_EOS] = end
        return cls(
            peter=peter.to(device),
            meter=opened_as_meter(peter, sizes).to(device),
            users=torch.from_numpy(records.users).to(device),
            items=torch.from_numpy(records.items).to(device),
            peters_features=in_peters_numbers(records, sizes).features.to(device),
            features=torch.from_numpy(records.features).to(device),
            text_length=sizes.text_length,
        )

    def as_peter(self, precision: Precision) -> Tensor:
        """Sentences (B, N) in PETER's numbers; what stands after eos means nothing."""
        with precision.autocast(self.users.device):
            return write_sentences(self.peter, self.users, self.items, self.peters_features, self.text_length)

    def ours(self, precision: Precision) -> Tensor:
        """Sentences (B, N + 1) in our numbers, EOS, then PAD."""
        with precision.autocast(self.users.device):
            return self.meter.generate(self.users, self.items, self.features).words


def slots_as_peter(sizes: Sizes) -> Slots:
    """Every word by a whole pass over [u, i, f, bos, words so far]; the first pass also gives rating and context."""
    first = CONDITIONS + 1
    passes = [
        Slots(encoded=sizes.batch * length, attended=sizes.batch * square(length), words=sizes.batch)
        for length in range(first, first + sizes.text_length)
    ]
    return total([*passes, Slots(encoded=0, attended=0, words=sizes.batch, ratings=sizes.batch)])


def slots_of(lengths: Tensor, text_length: int) -> Slots:
    """Every slot that is read, once, for sentences of these many words: u, i, f, BOS and all words but a last one."""
    slots = [CONDITIONS + 1 + min(length, text_length - 1) for length in lengths.tolist()]
    return total(
        Slots(encoded=each, attended=causal(each), words=each - CONDITIONS + 1, ratings=1) for each in slots
    )


def in_our_numbers(sentences: Tensor, num_words: int) -> Tensor:
    """Sentences (B, N) as PETER writes them to (B, N + 1) as ours are: EOS after the last word, then PAD."""
    ended = (sentences == PETER_EOS).cumsum(dim=1) > 0
    words = word_order(num_words).argsort().to(sentences.device)[sentences].masked_fill(ended, PAD)
    lengths = (~ended).sum(dim=1, keepdim=True)
    return torch.cat([words, torch.full_like(lengths, PAD)], dim=1).scatter(1, lengths, EOS)


def measure(settings: Settings) -> list[Row]:
    """A row for each pairing of precisions, with sentences of all words and with sentences that end."""
    return [*measure_ending(settings, NEVER, WHOLE), *measure_ending(settings, LIKE_REVIEWS, ENDED)]


def measure_ending(settings: Settings, end: float, note: str) -> list[Row]:
    """end: what the logit of eos has ahead of those of all other words."""
    sizes = QUICK_SIZES if settings.quick else PETER_SIZES
    writers = Writers.of(sizes, settings.device, end=end)
    sides = {}
    for precision in settings.precisions:
        sides[f"reference {precision.name}"] = settings.side(partial(writers.as_peter, precision))
        sides[f"ours {precision.name}"] = settings.side(partial(writers.ours, precision))
    timings = settings.timed(sides)
    config = writers.meter.config
    lengths = (writers.ours(Precision.float32) > EOS).sum(dim=1)
    needed = slots_of(lengths, sizes.text_length)
    rows = []
    for pairing in settings.pairings:
        least = Work(
            flops=count_flops(config, needed, FORWARD),
            bytes=decoding_bytes(config, needed, pairing.ours.bytes),
        )
        rows.append(
            Row(
                part=PART,
                case=f"{sizes.batch} sentences of {lengths.float().mean():.1f} words, {pairing.name}",
                reference=timings[f"reference {pairing.reference.name}"],
                ours=timings[f"ours {pairing.ours.name}"],
                amount=sizes.batch,
                unit="sentences",
                reference_flops=count_flops(config, slots_as_peter(sizes), FORWARD),
                least=least,
                floor=settings.machine.floor(least, pairing.ours),
                note=note,
            )
        )
    return rows


def compare(device: torch.device) -> list[Comparison]:
    """How many places of all sentences hold another word; in float32, with sentences of many lengths."""
    writers = Writers.of(QUICK_SIZES, device, end=ENDING)
    expected = in_our_numbers(writers.as_peter(Precision.float32), QUICK_SIZES.words)
    found = writers.ours(Precision.float32)
    return [Comparison(PART, "words", float((expected != found).sum()), 0.0)]
