"""The report of a run: one HTML file with everything in it, which opens offline and can be shown in a talk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from meter.report import curves, plots
from meter.report.card import Card
from meter.report.diagnosis.section import diagnosis_parts
from meter.report.rendering import asset, render, script_hash
from meter.report.svg import Plot
from meter.report.tables import metric_tables
from meter.storage.atomic import write_text
from meter.storage.fingerprint import plain

DIAGNOSIS, VERSION = "diagnosis", "metrics_version"
APART = (DIAGNOSIS, VERSION)
"""Entries of metrics.json that are no table of metrics: one has a section of its own, one says how all were made."""


@dataclass(kw_only=True, slots=True)
class KeyFigure:
    """A figure that the page opens with.

    label: what it is. value: written out. target: what it should reach, None without one.
    met: whether it does; None where nothing is claimed. note: what the reader must know beside it.
    """

    label: str
    value: str
    target: str | None = None
    met: bool | None = None
    note: str = ""


@dataclass(kw_only=True, slots=True)
class LeftOut:
    """Records that were left out. reason: why. count: how many. first: file and line of the first."""

    reason: str
    count: int
    first: str = ""


@dataclass(kw_only=True, slots=True)
class Ratings:
    """The predicted and the true ratings of a split, pair by pair."""

    predicted: Float[np.ndarray, "R"]
    true: Float[np.ndarray, "R"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """How a training went. title: which one, where there are several. best: the line of its best validation."""

    title: str
    plots: list[Plot]
    best: Mapping[str, Any] | None


@dataclass(kw_only=True, slots=True)
class Report:
    """What the page shows; whatever is empty leaves no trace on it.

    metrics: the content of metrics.json; its ``diagnosis`` gets a section of its own.
    vq_journal, joint_journal: the lines of the two trainings' journals.
    phase_journals: those of the phases that came before the joint journal's, by name.
    code_counts: how often each code of the codebook is used over all photos.
    reconstructions: (photo, reconstruction) of photos held out from the VQ-GAN's training.
    ratings: by split. retrieval: recalls by kind of pair, e.g. ``{"generated": {"R@1": .8, "R@5": .97}}``.
    gallery: cards in the order shown; gallery_note: how they were chosen.
    left_out: records that the dataset lacks; dataset: what was kept (counts by name).
    provenance: command, versions, hashes, machine …; the entry ``seconds`` is a dict of seconds by stage.
    config: the run's config, plain or as dataclasses.
    """

    title: str
    subtitle: str = ""
    key_figures: list[KeyFigure] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    vq_journal: list[dict[str, Any]] = field(default_factory=list)
    joint_journal: list[dict[str, Any]] = field(default_factory=list)
    phase_journals: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    code_counts: Int[np.ndarray, "K"] | None = None
    reconstructions: list[tuple[UInt8[np.ndarray, "_ _ 3"], UInt8[np.ndarray, "_ _ 3"]]] = field(
        default_factory=list
    )
    ratings: dict[str, Ratings] = field(default_factory=dict)
    retrieval: dict[str, dict[str, float]] = field(default_factory=dict)
    gallery: list[Card] = field(default_factory=list)
    gallery_note: str = ""
    dataset: dict[str, Any] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    config: Any = None


def write_report(path: Path, report: Report) -> Path:
    """Writes the page as one self-contained HTML file, whole or not at all, and returns its path.

    The same report gives the same bytes. All text of users and data is escaped, and the page's own policy forbids
    every script but its own and everything from outside.
    """
    return write_text(path, report_html(report))


def report_html(report: Report) -> str:
    """The page as text."""
    script = asset("report.js")
    pairs = {name: (pairs.predicted, pairs.true) for name, pairs in report.ratings.items() if len(pairs.true)}
    evaluation_plots = []
    if pairs:
        evaluation_plots.append(plots.rating_plot(pairs))
    if report.retrieval:
        evaluation_plots.append(plots.retrieval_plot(report.retrieval))
    vq_plots = curves.vq_plots(report.vq_journal)
    if report.code_counts is not None and report.code_counts.any():
        vq_plots.append(plots.codebook_plot(report.code_counts))
    return render(
        "report.html.j2",
        report=report,
        script=script,
        script_hash=script_hash(script),
        splits=list(dict.fromkeys(card.split for card in report.gallery if card.split is not None)),
        filter_by_checks={card.all_hold for card in report.gallery} >= {True, False},
        tables=metric_tables({name: entry for name, entry in report.metrics.items() if name not in APART}),
        diagnosis=diagnosis_parts(report.metrics.get(DIAGNOSIS, {})),
        evaluation_plots=evaluation_plots,
        trainings=_trainings(report),
        vq_plots=vq_plots,
        provenance=_provenance(report),
        seconds=_durations(report.provenance.get("seconds")),
        config=_yaml(plain(report.config)),
    )


def _trainings(report: Report) -> list[Training]:
    """The phases in their order, the last without a name; those whose journals have nothing to draw are left out."""
    journals = {**report.phase_journals, "": report.joint_journal}
    trainings = [
        Training(
            title=f"First: the {phase}" if phase else "Then: the rest",
            plots=curves.joint_plots(journal, phase),
            best=curves.best_validation(journal),
        )
        for phase, journal in journals.items()
    ]
    return [training for training in trainings if training.plots]


def _provenance(report: Report) -> dict[str, Any]:
    version = {name: value for name, value in report.metrics.items() if name == VERSION}
    return {name: value for name, value in (plain(report.provenance) | version).items() if name != "seconds"}


def _durations(seconds: Any) -> dict[str, float]:
    if not isinstance(seconds, Mapping):
        return {}
    return {str(stage): float(took) for stage, took in seconds.items() if took is not None}


def _yaml(config: Any) -> str:
    import yaml

    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True) if config else ""
