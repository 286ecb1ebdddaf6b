"""BERTScore and MAUVE: metrics of sentences by language models from elsewhere, each through its authors' own package.

Likeness is not truth: explanations with a BERTScore of .9 may have few statements that are true of the item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from meter.errors import InputError
from meter.metrics.version import signature

MAUVE_MODEL = "gpt2-large"
"""The model whose vectors MAUVE quantizes: its authors' default."""
MAUVE_SEED = 25
"""Of its k-means: its authors' default."""


@dataclass(kw_only=True, slots=True)
class BertScore:
    """Means over sentences, rescaled: about 0 for unrelated sentences, 1 for equal ones."""

    precision: float
    """Words of the generated sentence that the true one has a like of."""
    recall: float
    """Words of the true sentence that the generated one has a like of."""
    f: float
    count: int
    """Sentences scored."""
    signature: str
    """With the package's own hash: model, layer, idf, version, rescaled or not."""


@dataclass(kw_only=True, slots=True)
class Mauve:
    """How near the generated sentences as a whole are to the true ones as a whole."""

    mauve: float
    """0 … 1, higher is nearer (Pillutla et al. 2021)."""
    frontier_integral: float
    """0 … 1, lower is nearer (Liu et al. 2021)."""
    count: int
    """Sentences on each side."""
    signature: str


def bert_score(package: Any, references: Sequence[str], generated: Sequence[str]) -> BertScore:
    """BERTScore (Zhang et al. 2020) of tokenized English sentences, rescaled with the package's baseline, without idf.

    Args:
        package: ``bert_score``.
        references: true sentences.
        generated: generated sentences, same order.

    Raises:
        InputError: no sentence, or unequal numbers of sentences.
    """
    _check(references, generated)
    scorer = package.BERTScorer(lang="en", rescale_with_baseline=True)
    # By name: with both the other way round, precision and recall would be exchanged.
    precision, recall, f = scorer.score(cands=list(generated), refs=list(references))
    return BertScore(
        precision=float(precision.mean()),
        recall=float(recall.mean()),
        f=float(f.mean()),
        count=len(generated),
        signature=signature("bertscore", hash=scorer.hash),
    )


def mauve_score(package: Any, references: Sequence[str], generated: Sequence[str], device: int) -> Mauve:
    """MAUVE (Pillutla et al. 2021) with its authors' defaults. It asks for some thousand sentences on each side.

    Args:
        package: ``mauve``.
        references: true sentences.
        generated: generated sentences.
        device: number of the GPU; −1 for the CPU.

    Raises:
        InputError: no sentence, or unequal numbers of sentences.
    """
    _check(references, generated)
    found = package.compute_mauve(
        p_text=list(references),
        q_text=list(generated),
        featurize_model_name=MAUVE_MODEL,
        device_id=device,
        seed=MAUVE_SEED,
        verbose=False,
    )
    return Mauve(
        mauve=float(found.mauve),
        frontier_integral=float(found.frontier_integral),
        count=len(generated),
        signature=signature("mauve", model=MAUVE_MODEL, buckets=found.num_buckets, seed=MAUVE_SEED),
    )


def _check(references: Sequence[str], generated: Sequence[str]) -> None:
    if len(references) == 0 or len(references) != len(generated):
        raise InputError(
            f"expected as many generated sentences as references, found {len(generated)} and {len(references)}"
        )
