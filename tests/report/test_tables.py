"""Tables of metrics: splits beside each other, and no figure left out."""

from meter.report.tables import metric_tables
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
