"""What the discriminator and the matcher tell apart."""

from collections.abc import Mapping
from typing import Any

from meter.metrics.labels import number
from meter.report.diagnosis.parts import DiagnosisPart
from meter.report.plots import reliability_plot
from meter.report.tables import Table, TableRow

PAIRS = {
    "true": "true sentence and picture (E, V)",
    "swapped": "sentence with the picture of another item",
    "generated_picture": "generated picture (E, V̂)",
    "generated_text": "generated sentence (Ê, V)",
    "generated_pair": "both generated (Ê, V̂)",
}
SCORERS = {"discriminator": "D", "matcher": "matcher"}


def pair_scores_part(scores: Mapping[str, Any]) -> DiagnosisPart:
    """What the discriminator and the matcher tell apart, and whether D’s probabilities can be trusted."""
    scorers = {name: scores["scorers"][name] for name in SCORERS if name in scores["scorers"]}
    columns, picked = [], []
    for name, scorer in scorers.items():
        for key, label in (("mean", "mean probability"), ("auc", "AUC")):
            if any(pair[key] is not None for pair in scorer["pairs"].values()):
                columns.append((SCORERS[name], label))
                picked.append((name, key))
    rows = [
        TableRow(
            name=label,
            direction="",
            cells=[
                "" if scorers[name]["pairs"][kind][key] is None else number(scorers[name]["pairs"][kind][key])
                for name, key in picked
            ],
        )
        for kind, label in PAIRS.items()
    ]
    text = [
        f"Both score {number(scores['count'])} held-out records with a photo. AUC is the probability that a true pair "
        "scores above a pair of this kind: 1 is always, 0.5 is chance."
    ]
    if "discriminator" in scorers:
        text.append(
            "D is the run’s own discriminator, trained against generated pairs. It is trained on swapped pairs only "
            "with objective.mismatched_negatives; otherwise they test what it has learned."
        )
    else:
        text.append("This run trained no discriminator; the matcher was trained on true pairs alone.")
    if scores["swapped_also_true"] is not None:
        text.append(
            f"{scores['swapped_also_true']:.0%} of the swapped pictures happen to show what the sentence says, so an "
            f"AUC of {1 - scores['swapped_also_true'] / 2:.2f} is the best that its feature allows."
        )
    curves = [scorer["reliability"] for scorer in scorers.values() if scorer["reliability"]]
    return DiagnosisPart(
        title="What the discriminator and the matcher tell apart",
        text=text,
        tables=[Table(title="True pairs against others", columns=columns, rows=rows)],
        plots=[reliability_plot(curve) for curve in curves],
    )
