"""Tables of metrics: splits beside each other, and no figure left out."""

import io

import pytest
from rich.console import Console

from meter.report.run_report import key_figures, retrieval
from meter.report.tables import metric_tables
from meter.report.terminal_tables import print_results
from tests.report.examples import metrics


def test_tables_set_splits_and_peter_beside_each_other() -> None:
    tables = {table.title: table for table in metric_tables(metrics())}
    rating = tables["Rating"]
    assert rating.columns == [("test", ""), ("unseen", "")]
    assert [(row.name, row.direction, row.cells) for row in rating.rows] == [
        ("RMSE", "↓", ["0.712", "0.690"]),
        ("Records", "", ["480", ""]),
    ]
    assert rating.signatures == ["rating|version:1"]
    words = tables["Sentence against the true one"]
    assert words.columns == [("test", ""), ("test", "as in PETER")]
    assert words.rows[0].cells == ["31.25", "33.75"]
    assert [row.name for row in words.rows] == ["BLEU-1", "ROUGE-1 precision", "ROUGE-1 recall", "ROUGE-1 F"]
    by_feature = tables["Truth in the synthetic world, by feature · test"]
    assert [(row.name, row.cells) for row in by_feature.rows] == [("pool", ["0.955"]), ("bed", ["0.993"])]


def test_tables_leave_out_no_figure_whatever_its_name() -> None:
    odd = {
        "a": {"b": {"c": {"d": 101}, "e": {"f": {"g": 102}}}, "h": 103},
        "i": {"j": 104},
        "k": 105,
        "l": {"m": {"n": [106, 107]}},
    }
    cells = [cell for table in metric_tables(odd) for row in table.rows for cell in row.cells]
    assert sorted(", ".join(filter(None, cells)).split(", ")) == [str(value) for value in range(101, 108)]


def test_counting_pictures_takes_a_column_only_where_some_are_missing() -> None:
    def columns(with_picture: int) -> list[str]:
        entry = {"sentence_truth": 1.0, "count": 9, "count_with_picture": with_picture}
        sections = {"truth": {"sentence_truth": 1.0, "by_feature": {"pool": entry}}}
        tables = {table.title: table for table in metric_tables({"test": sections})}
        return [name for name, _ in tables["Truth in the synthetic world, by feature · test"].columns]

    assert columns(9) == ["Sentence truth", "Records"]
    assert columns(8) == ["Sentence truth", "Records", "Records with a picture"]


@pytest.mark.parametrize("measurable", [True, False])
def test_what_a_matcher_at_chance_finds_is_shown_nowhere_and_its_own_auc_everywhere(measurable: bool) -> None:
    found = {"recall_at_1": 0.1234, "recall_at_5": 0.2345, "auc": 0.3456, "num_candidates": 77}
    split = {
        "rating": {"rmse": 1.0},
        "match": {**found, "measurable": measurable},
        "match_of_true_pairs": {"recall_at_1": 0.01, "recall_at_5": 0.05, "auc": 0.5123},
    }
    metrics = {"test": split}
    output = io.StringIO()
    print_results(metrics, Console(file=output, width=120))
    page = ", ".join(cell for table in metric_tables(metrics) for row in table.rows for cell in row.cells)
    headlines = " ".join(figure.value for figure in key_figures(metrics))
    for shown, numbers in (
        (output.getvalue(), ("0.123", "0.234", "0.346")),
        (page, ("0.123", "0.234", "0.346")),
        (headlines, ("0.346",)),
    ):
        assert [number in shown for number in numbers] == [measurable] * len(numbers)
        assert "0.512" in shown
    for shown in (output.getvalue(), page):
        assert ("not measurable here" in shown) != measurable
    assert "77" in page
    assert ("test, generated" in retrieval(metrics)) == measurable
