"""The diagnosis of a run: where it repeats itself, what its judges can tell apart, what it uses and where it looks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from meter.data import Prepared
from meter.disc import Discriminator
from meter.evaluate.attention import watch_attention
from meter.evaluate.generations import Generation
from meter.evaluate.input_swaps import rely
from meter.evaluate.measure import encode_pairs, encode_words
from meter.evaluate.partners import draw_partners
from meter.evaluate.repetition import diagnose_sentences
from meter.metrics import Reliability, area_under_curve, reliability
from meter.model import Meter
from meter.train.batches import Batch, Examples

SPLIT = "test"
"""The held-out split that is looked into."""
NUM_RELIED, NUM_WATCHED = 512, 256
"""Held-out examples whose inputs are swapped, and whose attention is watched: drawn at random."""
BATCH_SIZE = 64
PROBABLE = "discriminator"
"""The judge whose σ(score) is a probability; a matcher's scores can only be compared."""


@dataclass(kw_only=True, slots=True)
class JudgedPairs:
    """One kind of pairs in the eyes of one judge.

    mean: of D. None for a judge whose scores are no probabilities.
    auc: probability that a true pair scores above one of these; None for the true pairs themselves.
    """

    mean: float | None
    auc: float | None


@dataclass(kw_only=True, slots=True)
class Judgements:
    """What one judge says of all kinds of pairs; reliability is that of true against swapped pairs."""

    pairs: dict[str, JudgedPairs]
    reliability: Reliability | None


@dataclass(kw_only=True, slots=True)
class Judges:
    """The judges side by side.

    count: held-out records with a photo, and pairs of each kind.
    swapped_suits: in the world, share of swapped pictures whose item happens to have what the sentence is about.
    """

    count: int
    swapped_suits: float | None
    judges: dict[str, Judgements]


def diagnose(
    generated: Sequence[Generation],
    prepared: Prepared,
    examples: Examples,
    model: Meter,
    *,
    discriminator: Discriminator | None,
    matcher: Discriminator | None,
    seed: int,
) -> dict[str, Any]:
    """What stands in ``metrics.json`` under ``diagnosis``: plain values, the same for the same seed.

    discriminator: D beside the run's best weights, where it trained one. matcher: the matcher's network.
    """
    given = {PROBABLE: discriminator, "matcher": matcher}
    judges = {name: network for name, network in given.items() if network is not None}
    members = [one for one in generated if one.split == SPLIT]
    found: dict[str, Any] = {"split": SPLIT, "sentences": asdict(diagnose_sentences(members))}
    with_photo = [one for one in members if one.photo >= 0 and one.codes]
    if judges and len({one.item for one in with_photo}) > 1:
        found["judges"] = asdict(ask_judges(with_photo, prepared, examples, judges, seed))
    rows = np.array([one.row for one in members], dtype=np.int64)
    generator = np.random.default_rng(seed)
    drawn = np.sort(generator.permutation(rows)[:NUM_RELIED])
    features = np.array(prepared.records.features[drawn], dtype=np.int64)
    found["reliance"] = asdict(rely(model, examples, drawn, features, generator, BATCH_SIZE))
    watched = [members[place] for place in np.sort(generator.permutation(len(members))[:NUM_WATCHED])]
    batches = list(generated_batches(watched, prepared, examples))
    found["attention"] = asdict(watch_attention(model, batches, watched, value_words(prepared)))
    return found


def ask_judges(
    generated: Sequence[Generation],
    prepared: Prepared,
    examples: Examples,
    judges: Mapping[str, Discriminator],
    seed: int,
) -> Judges:
    """Shows every judge true, swapped and generated pairs of records with a photo."""
    members = list(generated)
    true = examples.batch(torch.tensor([one.row for one in members]).to(examples.device))
    assert true.codes is not None
    made_words, made_codes = encode_words(members, prepared), torch.tensor([one.codes for one in members])
    items = [one.item for one in members]
    partners = draw_partners([0] * len(members), items, np.random.default_rng(seed))
    asked = {}
    for name, judge in judges.items():
        scores = score_pairs(judge, true.words, true.codes, made_words, made_codes, partners)
        asked[name] = judgements(scores, probable=name == PROBABLE)
    return Judges(count=len(members), swapped_suits=_suits(members, partners, prepared), judges=asked)


def score_pairs(
    judge: Discriminator,
    words: Int[Tensor, "N S"],
    codes: Int[Tensor, "N M"],
    made_words: Int[Tensor, "N S"],
    made_codes: Int[Tensor, "N M"],
    partners: Int64[np.ndarray, "N"],
) -> dict[str, Float[np.ndarray, "N"]]:
    """The judge's logits of each kind of pairs, every sentence and picture encoded once.

    words, codes: true. made_words, made_codes: generated. partners: whose true picture stands in the swapped pairs.
    """
    text, image = encode_pairs(judge, words, codes)
    made_text, made_image = encode_pairs(judge, made_words, made_codes)
    pairs = {
        "true": (text, image),
        "swapped": (text, image[partners]),
        "generated_picture": (text, made_image),
        "generated_text": (made_text, image),
        "generated_pair": (made_text, made_image),
    }
    scale, offset = judge.log_scale.exp().item(), judge.offset.item()
    return {
        kind: (one.astype(np.float64) * other).sum(axis=1) * scale + offset
        for kind, (one, other) in pairs.items()
    }


def judgements(scores: Mapping[str, Float[np.ndarray, "_"]], *, probable: bool) -> Judgements:
    """What logits say of each kind of pairs beside the ``true`` ones; probable: whether σ of them is a probability."""
    said = {kind: 1 / (1 + np.exp(-logits)) for kind, logits in scores.items()}
    return Judgements(
        pairs={
            kind: JudgedPairs(
                mean=float(said[kind].mean()) if probable else None,
                auc=None if kind == "true" else area_under_curve(scores["true"], logits),
            )
            for kind, logits in scores.items()
        },
        reliability=reliability(said["true"], said["swapped"]) if probable else None,
    )


def _suits(members: list[Generation], partners: Int64[np.ndarray, "N"], prepared: Prepared) -> float | None:
    """Swapped pictures that no judge can call false: their item has the same value of the sentence's feature."""
    if prepared.truth is None:
        return None
    values = {item: entry["values"] for item, entry in prepared.truth["items"].items()}
    pairs = [(one, members[other]) for one, other in zip(members, partners, strict=True)]
    suits = [values[one.item].get(one.feature) == values[other.item].get(one.feature) for one, other in pairs]
    return float(np.mean(suits))


def generated_batches(
    generated: Sequence[Generation], prepared: Prepared, examples: Examples
) -> Iterator[Batch]:
    """The examples with what was generated in place of the true sentence and picture."""
    for start in range(0, len(generated), BATCH_SIZE):
        members = list(generated[start : start + BATCH_SIZE])
        batch = examples.batch(torch.tensor([one.row for one in members]).to(examples.device))
        codes = None if members[0].codes is None else torch.tensor([one.codes for one in members])
        yield replace(
            batch,
            words=encode_words(members, prepared).to(examples.device),
            codes=None if codes is None else codes.to(examples.device),
        )


def value_words(prepared: Prepared) -> dict[str, dict[str, str]] | None:
    """The words that give away a feature's value; None outside the world."""
    if prepared.truth is None:
        return None
    from meter.world.text.wording import VALUE_WORDS

    return VALUE_WORDS
