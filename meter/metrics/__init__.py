"""Metrics of generated explanations, from plain arrays and strings; torch is not imported here.

============================================  ==================
BLEU, ROUGE                                   ``text``
USR, USN, FMR, FCR, DIV, distinct-n, entropy  ``diversity``
USR by user and by item                       ``group_uniqueness``
iFMR, iFCR, GT-FMR                            ``item_features``
FCR by quarter of frequency                   ``feature_frequency``
rating–text coherence                         ``coherence``
RMSE, MAE                                     ``rating``
R@1, R@5, median rank, MRR, AUC               ``retrieval``
AUC, calibration                              ``classification``
PSNR, SSIM                                    ``image``
truth, agreement of sentence and picture      ``truth``
truth of a guess from ratings                 ``guessing``
tests over examples and over seeds            ``stats``
============================================  ==================

Every metric is exact, near-linear, and says in its ``signature`` by which definition it was made.
"""

from meter.metrics.classification import Reliability, area_under_curve, reliability
from meter.metrics.coherence import Coherence, coherence, is_readable, read_ratings
from meter.metrics.diversity import Diversity, diversity, diversity_peter_compat
from meter.metrics.feature_frequency import FrequencyCoverage, frequency_coverage
from meter.metrics.group_uniqueness import (
    GroupUniqueness,
    group_uniqueness,
    group_uniqueness_maple_compat,
)
from meter.metrics.guessing import guess_from_ratings
from meter.metrics.image import ImageMetrics, image_metrics, psnr, ssim
from meter.metrics.item_features import (
    ItemFeatureMetrics,
    NamedItemFeatures,
    item_feature_metrics,
    item_feature_metrics_maple_compat,
    name_item_features,
)
from meter.metrics.overlap import Overlap, count_overlap
from meter.metrics.rating import RatingMetrics, rating_metrics, rating_metrics_peter_compat
from meter.metrics.retrieval import (
    RetrievalMetrics,
    draw_candidates,
    embedding_scores,
    is_above_chance,
    label_agreement,
    retrieval_metrics,
    retrieve,
)
from meter.metrics.stats.resampling import PairedTest
from meter.metrics.stats.significance import (
    MatchedRunsTest,
    SeedTest,
    cliffs_delta,
    holm,
    matched_runs_test,
    paired_test,
    seed_test,
)
from meter.metrics.text import RougeScore, TextMetrics, text_metrics, text_metrics_peter_compat
from meter.metrics.truth import (
    ExplanationTruth,
    FeatureTruth,
    RatingFloor,
    TruthMetrics,
    VisitTruth,
    check_truth,
    rating_floor,
    summarize_truth,
    truth_metrics,
)
from meter.metrics.version import METRICS_VERSION

__all__ = [
    "METRICS_VERSION",
    "Coherence",
    "Diversity",
    "ExplanationTruth",
    "FeatureTruth",
    "FrequencyCoverage",
    "GroupUniqueness",
    "ImageMetrics",
    "ItemFeatureMetrics",
    "MatchedRunsTest",
    "NamedItemFeatures",
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
    "VisitTruth",
    "area_under_curve",
    "check_truth",
    "cliffs_delta",
    "coherence",
    "count_overlap",
    "diversity",
    "diversity_peter_compat",
    "draw_candidates",
    "embedding_scores",
    "frequency_coverage",
    "group_uniqueness",
    "group_uniqueness_maple_compat",
    "guess_from_ratings",
    "holm",
    "image_metrics",
    "is_above_chance",
    "is_readable",
    "item_feature_metrics",
    "item_feature_metrics_maple_compat",
    "label_agreement",
    "matched_runs_test",
    "name_item_features",
    "paired_test",
    "psnr",
    "rating_floor",
    "rating_metrics",
    "rating_metrics_peter_compat",
    "read_ratings",
    "reliability",
    "retrieval_metrics",
    "retrieve",
    "seed_test",
    "ssim",
    "summarize_truth",
    "text_metrics",
    "text_metrics_peter_compat",
    "truth_metrics",
]
