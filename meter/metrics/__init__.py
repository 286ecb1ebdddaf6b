"""Metrics of generated explanations; no network is imported here.

Every metric is exact, near-linear, and says in its ``signature`` by which definition it was made.
"""

from meter.metrics.calibration import Reliability, reliability
from meter.metrics.diversity import Diversity, diversity, diversity_peter_compat
from meter.metrics.image import ImageMetrics, image_metrics, psnr, ssim
from meter.metrics.overlap import Overlap, count_overlap
from meter.metrics.rating import RatingMetrics, rating_metrics, rating_metrics_peter_compat
from meter.metrics.retrieval import (
    RetrievalMetrics,
    area_under_curve,
    draw_candidates,
    embedding_scores,
    retrieval_metrics,
    retrieve,
)
from meter.metrics.stats.resampling import PairedTest
from meter.metrics.stats.significance import SeedTest, cliffs_delta, holm, paired_test, seed_test
from meter.metrics.text import RougeScore, TextMetrics, text_metrics, text_metrics_peter_compat
from meter.metrics.truth import (
    FeatureTruth,
    Judgement,
    RatingFloor,
    TruthMetrics,
    count_truth,
    judge,
    rating_floor,
    truth_metrics,
)
from meter.metrics.version import METRICS_VERSION

__all__ = [
    "METRICS_VERSION",
    "Diversity",
    "FeatureTruth",
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
    "TextMetrics",
    "TruthMetrics",
    "area_under_curve",
    "cliffs_delta",
    "count_overlap",
    "count_truth",
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
    "reliability",
    "retrieval_metrics",
    "retrieve",
    "seed_test",
    "ssim",
    "text_metrics",
    "text_metrics_peter_compat",
    "truth_metrics",
]
