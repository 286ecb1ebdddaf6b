"""The metrics of a split that need nothing but its generations, as they stand in ``metrics.json``."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from meter.evaluate.generations import Generation, predicted_ratings
from meter.metrics.diversity import diversity, diversity_peter_compat
from meter.metrics.group_uniqueness import group_uniqueness, group_uniqueness_maple_compat
from meter.metrics.rating import rating_metrics, rating_metrics_peter_compat
from meter.metrics.text import text_metrics, text_metrics_peter_compat


def summarize(
    generations: Sequence[Generation],
    feature_set: Collection[str],
    lowest_rating: float,
    highest_rating: float,
) -> dict[str, dict[str, Any]]:
    """Rating, text and diversity, ours and PETER's, and the diversity of the true sentences; USR by user and by item.

    There is no section of the rating where the model predicts none.

    Args:
        generations: all of one split.
        feature_set: feature words of the data set; of all splits with ``vocabulary_from=peter_compat``, as PETER.
        lowest_rating: least rating in the data set.
        highest_rating: greatest rating in the data set.

    Returns:
        ``{section: {metric: value}}`` of plain values, a section for each result dataclass.

    Raises:
        InputError: there is no generation, or a predicted rating is not a finite number.
    """
    ratings = [generation.rating for generation in generations]
    references = [generation.reference for generation in generations]
    texts = [generation.text for generation in generations]
    features = [generation.feature for generation in generations]
    users = [generation.user for generation in generations]
    items = [generation.item for generation in generations]
    rating_sections = {}
    predictions = predicted_ratings(generations)
    if predictions is not None:
        rating_sections = {
            "rating": rating_metrics(ratings, predictions),
            "rating_peter_compat": rating_metrics_peter_compat(
                ratings, predictions, lowest_rating, highest_rating
            ),
        }
    sections = {
        **rating_sections,
        "text": text_metrics(references, texts),
        "text_peter_compat": text_metrics_peter_compat(
            [generation.cut_reference for generation in generations], texts
        ),
        "diversity": diversity(texts, features, feature_set),
        "diversity_peter_compat": diversity_peter_compat(texts, features, feature_set),
        "diversity_of_references": diversity(references, features, feature_set),
        "group_uniqueness": group_uniqueness(texts, users, items),
        "group_uniqueness_maple_compat": group_uniqueness_maple_compat(texts, users, items),
        "group_uniqueness_of_references": group_uniqueness(references, users, items),
    }
    return {name: asdict(section) for name, section in sections.items()}
