"""How close the generated sentences are to the true ones: BLEU and ROUGE, in percent.

The scores are made from ``Overlap`` counts, so a bootstrap recounts nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from meter.metrics.overlap import Overlap, count_overlap
from meter.metrics.version import signature


@dataclass(kw_only=True, slots=True)
class RougeScore:
    """Mean over sentences, in percent."""

    precision: float
    recall: float
    f: float


@dataclass(kw_only=True, slots=True)
class SentenceRouge:
    """Of each sentence, in 0 … 1."""

    precision: Float64[np.ndarray, "N"]
    recall: Float64[np.ndarray, "N"]
    f: Float64[np.ndarray, "N"]

    def mean(self) -> RougeScore:
        """Over sentences, in percent."""
        return RougeScore(
            precision=100 * float(self.precision.mean()),
            recall=100 * float(self.recall.mean()),
            f=100 * float(self.f.mean()),
        )


@dataclass(kw_only=True, slots=True)
class TextMetrics:
    """Scores in percent, lengths in words."""

    bleu_1: float
    bleu_4: float
    rouge_1: RougeScore
    rouge_2: RougeScore
    rouge_l: RougeScore
    generated_length: float
    """Mean words of a generated sentence."""
    reference_length: float
    """Mean words of a reference."""
    empty: int
    """Generated sentences without a word (they score 0 and are counted)."""
    count: int
    """Sentences scored."""
    signature: str


def text_metrics(references: Sequence[str], generated: Sequence[str]) -> TextMetrics:
    """Scores tokenized sentences against whole references.

    ROUGE equals the rouge-score library's with a whitespace tokenizer and no stemmer.

    Args:
        references: true sentences, not cut.
        generated: generated sentences, same order.

    Raises:
        InputError: no sentence, or unequal numbers of sentences.
    """
    overlap = count_overlap(references, generated)
    return _metrics(
        overlap,
        [rouge_n(overlap, order=1), rouge_n(overlap, order=2), rouge_l(overlap)],
        signature("text", references="whole", rouge="counts", tokens="whitespace"),
    )


def text_metrics_peter_compat(cut_references: Sequence[str], generated: Sequence[str]) -> TextMetrics:
    """Scores as PETER's evaluation does: cut references, ROUGE over sets of n-grams, its own F for ROUGE-L.

    Args:
        cut_references: the first n words of the true sentences, unknown words as ``<unk>``.
        generated: generated sentences, same order.

    Raises:
        InputError: no sentence, or unequal numbers of sentences.
    """
    overlap = count_overlap(cut_references, generated)
    return _metrics(
        overlap,
        [
            rouge_n_peter_compat(overlap, order=1),
            rouge_n_peter_compat(overlap, order=2),
            rouge_l_peter_compat(overlap),
        ],
        signature("text", references="cut", rouge="sets", tokens="whitespace"),
    )


def bleu(overlap: Overlap, max_order: int) -> float:
    """Corpus BLEU with one reference, no smoothing, in percent (Papineni et al. 2002); O = ``max_order``."""
    return float(bleu_of_counts(bleu_counts(overlap, max_order).sum(axis=0)))


def bleu_counts(overlap: Overlap, max_order: int) -> Float64[np.ndarray, "N C"]:
    """What each sentence adds to corpus BLEU: matched n-grams (O), n-grams (O), its words, its reference's words."""
    possible = np.maximum(overlap.generated_words[:, None] - np.arange(max_order), 0)
    lengths = np.stack([overlap.generated_words, overlap.reference_words], axis=1)
    return np.hstack([overlap.matches[:, :max_order], possible, lengths]).astype(np.float64)


def bleu_of_counts(counts: Float64[np.ndarray, "*R C"]) -> Float64[np.ndarray, "*R"]:
    """BLEU of summed ``bleu_counts``, of one corpus or of many resamples at once.

    exp(1/O Σ_n log p_n) · min(1, exp(1 − r/c)), where p_n are the matched n-grams of all sentences over the
    n-grams of all sentences, c the generated and r the reference words. 0 as soon as one p_n is 0.
    """
    max_order = counts.shape[-1] // 2 - 1
    matches, possible = counts[..., :max_order], counts[..., max_order : 2 * max_order]
    above_zero = matches.min(axis=-1) > 0
    precisions = np.divide(matches, possible, out=np.ones_like(matches), where=above_zero[..., None])
    ratio = np.divide(counts[..., -1], counts[..., -2], out=np.ones(above_zero.shape), where=above_zero)
    brevity = np.minimum(1.0, np.exp(1 - ratio))
    return np.where(above_zero, 100 * brevity * np.exp(np.log(precisions).mean(axis=-1)), 0.0)


def rouge_n(overlap: Overlap, order: int) -> RougeScore:
    """ROUGE-N (Lin 2004): matched n-grams over those of the generated sentence (P) and of the reference (R)."""
    return sentence_rouge_n(overlap, order).mean()


def sentence_rouge_n(overlap: Overlap, order: int) -> SentenceRouge:
    """ROUGE-N of each sentence."""
    return _sentence_rouge(
        overlap.matches[:, order - 1],
        overlap.generated_words - order + 1,
        overlap.reference_words - order + 1,
    )


def rouge_l(overlap: Overlap) -> RougeScore:
    """ROUGE-L (Lin 2004): the longest common subsequence over the generated words (P) and the reference's (R)."""
    return sentence_rouge_l(overlap).mean()


def sentence_rouge_l(overlap: Overlap) -> SentenceRouge:
    """ROUGE-L of each sentence."""
    return _sentence_rouge(overlap.subsequence, overlap.generated_words, overlap.reference_words)


def rouge_n_peter_compat(overlap: Overlap, order: int) -> RougeScore:
    """ROUGE-N over sets: an n-gram counts once however often it stands; F has 1e-8 below the line."""
    column = order - 1
    # PETER splits an empty sentence into one empty word, so an empty pair matches in one word.
    empty_pair = _empty_pairs(overlap) if order == 1 else 0
    matches = overlap.distinct_matches[:, column] + empty_pair
    precision = matches / np.maximum(overlap.distinct_generated[:, column], 1)
    recall = matches / np.maximum(overlap.distinct_reference[:, column], 1)
    f = 2 * precision * recall / (precision + recall + 1e-8)
    return SentenceRouge(precision=precision, recall=recall, f=f).mean()


def rouge_l_peter_compat(overlap: Overlap) -> RougeScore:
    """ROUGE-L with F = (1 + β²)RP / (R + β²P), β = P/R: always nearer to the lesser of P and R than F1 is."""
    subsequence = overlap.subsequence + _empty_pairs(overlap)
    precision = subsequence / np.maximum(overlap.generated_words, 1)
    recall = subsequence / np.maximum(overlap.reference_words, 1)
    beta = precision / (recall + 1e-12)
    f = (1 + beta**2) * recall * precision / (recall + beta**2 * precision + 1e-12)
    return SentenceRouge(precision=precision, recall=recall, f=f).mean()


def _empty_pairs(overlap: Overlap) -> np.ndarray:
    return ((overlap.generated_words == 0) & (overlap.reference_words == 0)).astype(np.int64)


def _sentence_rouge(
    shared: Int64[np.ndarray, "N"], generated: Int64[np.ndarray, "N"], reference: Int64[np.ndarray, "N"]
) -> SentenceRouge:
    precision, recall = shared / np.maximum(generated, 1), shared / np.maximum(reference, 1)
    total = precision + recall
    f = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    return SentenceRouge(precision=precision, recall=recall, f=f)


def _metrics(overlap: Overlap, rouge: list[RougeScore], definition: str) -> TextMetrics:
    return TextMetrics(
        bleu_1=bleu(overlap, max_order=1),
        bleu_4=bleu(overlap, max_order=4),
        rouge_1=rouge[0],
        rouge_2=rouge[1],
        rouge_l=rouge[2],
        generated_length=float(overlap.generated_words.mean()),
        reference_length=float(overlap.reference_words.mean()),
        empty=int((overlap.generated_words == 0).sum()),
        count=len(overlap.generated_words),
        signature=definition,
    )
