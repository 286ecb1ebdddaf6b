"""Drawings of journals and measurements say the right numbers and leave out none in silence."""

from xml.etree import ElementTree

import numpy as np

from meter.report.curves import best_validation, joint_plots, vq_plots
from meter.report.plots import codebook_plot, rating_plot, retrieval_plot
from meter.report.svg import draw_svg
from tests.report.examples import journals


def test_best_validation_is_the_last_the_training_called_best() -> None:
    _, joint = journals()
    best = best_validation(joint)
    assert best is not None
    assert best["epoch"] == 2
    assert best_validation([]) is None


def test_curves_tell_their_ends_and_draw_keys_they_do_not_know() -> None:
    vq, joint = journals()
    drawn = {plot.title: plot for plot in vq_plots(vq)}
    assert list(drawn) == [
        "Reconstruction loss",
        "Codebook loss",
        "Share of codes in use",
        "Unused codes replaced",
    ]
    assert drawn["Reconstruction loss"].note == "1.00 → 0.017, logarithmic"
    objective = joint_plots(joint)[0]
    assert objective.note == "training 5.00 → 1.00, validation 5.00 → 3.60"
    assert [label for label, _ in objective.legend] == ["training", "validation"]


def test_values_that_are_no_numbers_are_counted_not_drawn() -> None:
    journal = [
        {"kind": "train", "step": n, "text": value}
        for n, value in enumerate([2.0, float("nan"), None, float("inf"), 1.0])
    ]
    (plot,) = joint_plots(journal)
    assert plot.note == "2.00 → 1.00; 2 values that are not finite left out"
    assert joint_plots([{"kind": "train", "step": 1, "text": float("nan")}]) == []


def test_codebook_says_use_and_perplexity() -> None:
    # Two codes used evenly: the entropy is log 2.
    assert codebook_plot(np.array([3, 0, 3, 0])).alt == "2 of 4 codes in use, perplexity 2.00."


def test_ratings_say_their_error_by_split() -> None:
    plot = rating_plot({"test": (np.array([3.0, 5.0]), np.array([4.0, 4.0]))})
    assert "test: RMSE 1.000 over 2 pairs" in plot.alt


def test_more_series_than_colours_are_all_drawn() -> None:
    plot = retrieval_plot({f"kind {n}": {"R@1": n / 10} for n in range(9)})
    assert len(plot.legend) == 9
    assert all(f">0.{n}0</text>" in plot.svg for n in range(9))


def test_drawings_take_the_letters_of_the_page_in_formulas_too() -> None:
    def draw(axes) -> None:
        axes.set_xlabel("steps")
        axes.set_ylabel("$10^2$")

    svg = draw_svg("formula", draw, 'says "10²" & more', (2.0, 2.0))
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == 'says "10²" & more'
    styles = [style for element in root.iter() if "font" in (style := element.get("style", ""))]
    assert "steps" in [element.text for element in root.iter()]
    assert len(styles) > 2
    assert all(style.endswith("font-family: inherit") for style in styles)
    assert any(element.tag == "tspan" for element in root.iter())
