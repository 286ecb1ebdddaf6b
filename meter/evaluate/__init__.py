"""Metrics of generated explanations; no network is imported here.

Every metric is exact, near-linear, and says in its ``signature`` by which definition it was made.
"""

from meter.evaluate.calibration import Reliability, reliability
from meter.evaluate.diagnosis import SentenceDiagnosis, diagnose_sentences
from meter.evaluate.generation import Generation, read_generations, write_generations
from meter.evaluate.image import ImageMetrics, image_metrics, psnr, ssim
from meter.evaluate.match import (
    RetrievalMetrics,
    area_under_curve,
    draw_candidates,
    embedding_scores,
    retrieval_metrics,
    retrieve,
)
from meter.evaluate.overlap import Overlap, count_overlap
from meter.evaluate.rating import RatingMetrics, rating_metrics, rating_metrics_peter_compat
from meter.evaluate.resampling import PairedTest
from meter.evaluate.scores import read_scores, write_scores
from meter.evaluate.significance import SeedTest, cliffs_delta, holm, paired_test, seed_test
from meter.evaluate.summary import summarize
from meter.evaluate.text import RougeScore, TextMetrics, text_metrics, text_metrics_peter_compat
from meter.evaluate.truth import (
    FeatureTruth,
    Judgement,
    RatingFloor,
    TruthMetrics,
    count_truth,
    judge,
    rating_floor,
    truth_metrics,
)
from meter.evaluate.variety import Diversity, diversity, diversity_peter_compat
from meter.evaluate.version import METRICS_VERSION

__all__ = [
    "METRICS_VERSION",
    "Diversity",
    "FeatureTruth",
    "Generation",
    "ImageMetrics",
    "Judgement",
    "Overlap",
    "PairedTest",
    "RatingFloor",
    "RatingMetrics",
    "Reliability",
    "RetrievalMetrics",
    "RougeScore",
    "SeedTest",
    "SentenceDiagnosis",
    "TextMetrics",
    "TruthMetrics",
    "area_under_curve",
    "cliffs_delta",
    "count_overlap",
    "count_truth",
    "diagnose_sentences",
    "diversity",
    "diversity_peter_compat",
    "draw_candidates",
    "embedding_scores",
    "holm",
    "image_metrics",
    "judge",
    "paired_test",
    "psnr",
    "rating_floor",
    "rating_metrics",
    "rating_metrics_peter_compat",
    "read_generations",
    "read_scores",
    "reliability",
    "retrieval_metrics",
    "retrieve",
    "seed_test",
    "ssim",
    "summarize",
    "text_metrics",
    "text_metrics_peter_compat",
    "truth_metrics",
    "write_generations",
    "write_scores",
]
