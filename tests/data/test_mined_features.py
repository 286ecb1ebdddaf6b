"""``dataset.features=mined``: feature words for anybody's reviews, from the training split alone."""

import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from meter.cli import check_overrides
from meter.config import RunConfig, register
from meter.data import (
    DatasetConfig,
    FeatureSource,
    Format,
    VocabularySource,
    found_features,
    prepare,
    read_csv,
    read_jsonl,
)
from meter.data.readers.feature_mining import mine_features
from meter.errors import InputError
from meter.report.terminal_tables import print_overview
from tests.data.test_custom import custom, write_reviews

MINED = FeatureSource.mined
TRAINING = ["We came late. The food was good!"] * 6 + ["Hello there, all. The waiter ran."] * 6
HELD_OUT = ["The waiter was slow. The food is cold."] * 6


def write_lines(folder: Path, entries: list[dict[str, Any]]) -> Path:
    (folder / "reviews.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return folder


def write_table(folder: Path, entries: list[dict[str, Any]]) -> Path:
    lines = [
        f'{one["user"]},{one["item"]},{one["rating"]},"{one["text"]}",{one["feature"] or ""}'
        for one in entries
    ]
    (folder / "reviews.csv").write_text("user,item,rating,text,feature\n" + "\n".join(lines) + "\n")
    return folder


FORMS = pytest.mark.parametrize(
    ("write", "read"), [(write_lines, read_jsonl), (write_table, read_csv)], ids=["jsonl", "csv"]
)


def entries_of(texts: list[str], feature: str | None = None) -> list[dict[str, Any]]:
    return [
        {"user": f"u{row % 10}", "item": f"i{row % 6}", "rating": 4, "text": text, "feature": feature}
        for row, text in enumerate(texts)
    ]


def write_splits(folder: Path, num_training: int, num_records: int) -> None:
    """The last two records are validation and test, with all others after the training ones."""
    (folder / "splits").mkdir()
    held_out = [*range(num_training, num_records)]
    half = len(held_out) // 2
    splits = {"train": range(num_training), "validation": held_out[:half], "test": held_out[half:]}
    for name, numbers in splits.items():
        (folder / "splits" / f"{name}.index").write_text(" ".join(map(str, numbers)))


@FORMS
def test_words_of_held_out_reviews_are_not_known(tmp_path: Path, write: Callable, read: Callable) -> None:
    """Held-out reviews say "the waiter was" as often as training ones say "the food was": only food is a feature."""
    write(tmp_path, entries_of(TRAINING + HELD_OUT))
    write_splits(tmp_path, 12, 18)
    reviews = read(tmp_path, features=MINED)
    assert {record.feature for record in reviews.records} == {"food"}
    assert [record.text for record in reviews.records] == ["the food was good !"] * 6 + [
        "the food is cold ."
    ] * 6
    assert reviews.counts.dropped["no sentence names a feature word"].count == 6
    assert reviews.counts.dropped["no sentence names a feature word"].first.endswith(
        ":8" if read is read_csv else ":7"
    )
    everywhere = read(tmp_path, features=MINED, vocabulary_from=VocabularySource.peter_compat)
    assert {record.feature for record in everywhere.records} == {"food", "waiter"}


@FORMS
@pytest.mark.parametrize("seed", range(2))
def test_the_seeded_split_comes_before_the_words(
    tmp_path: Path, write: Callable, read: Callable, seed: int
) -> None:
    words = ["food", "waiter", "patio", "music", "menu", "bread", "soup", "view"]
    texts = [f"The {words[(7 * row * row + row) % 8]} was good." for row in range(60)]
    write(tmp_path, entries_of(texts))
    reviews = read(tmp_path, features=MINED, seed=seed)
    given = read(tmp_path, seed=seed)

    def numbers(found: Any, split: str) -> list[int]:
        return [found.numbers[index] for index in found.splits[split]]

    for split in given.splits:
        assert set(numbers(reviews, split)) <= set(numbers(given, split)), "the same split as without mining"
    assert numbers(given, "test")
    training = [texts[number] for number in numbers(given, "train")]
    assert {record.feature for record in reviews.records} == mine_features(training)


@FORMS
def test_what_is_given_stays_as_it_is(tmp_path: Path, write: Callable, read: Callable) -> None:
    named = entries_of(["Long ago. My own words about it; the food was fine."], feature="Sea View")
    write(tmp_path, entries_of(TRAINING) + named)
    write_splits(tmp_path, 11, 13)
    record = read(tmp_path, features=MINED).records[-1]
    assert record.feature == "sea view"
    assert record.text == "long ago . my own words about it ; the food was fine ."
    assert all(record.feature is None for record in read(tmp_path).records[:-1]), (
        "nothing is mined unless asked for"
    )


@FORMS
def test_bad_records_are_counted_as_ever(tmp_path: Path, write: Callable, read: Callable) -> None:
    bad = [{**entry, "rating": 9} for entry in entries_of(["The food was odd."])]
    write(tmp_path, entries_of(TRAINING[:6]) + bad)
    write_splits(tmp_path, 5, 7)
    reviews = read(tmp_path, features=MINED)
    assert (reviews.counts.read, reviews.counts.kept) == (7, 6)
    assert reviews.counts.dropped["rating outside 1 to 5"].first.endswith(":8" if read is read_csv else ":7")


@FORMS
def test_reviews_without_any_feature_word_say_what_one_is(
    tmp_path: Path, write: Callable, read: Callable
) -> None:
    write(tmp_path, entries_of(["Nice.", "Well done.", "Bad."]))
    write_splits(tmp_path, 1, 3)
    with pytest.raises(
        InputError, match=r"no feature word was found; a word is one where five .* or name feature"
    ):
        read(tmp_path, features=MINED)


def long_reviews(folder: Path) -> Path:
    """60 reviews of several sentences: as ``write_reviews``, with a sentence that names nothing before."""
    write_reviews(folder)
    path = folder / "reviews.csv"
    path.write_text(path.read_text().replace("The ", "We came late. The "))
    return folder


def test_a_csv_without_feature_words_is_prepared_with_them_and_shown(tmp_path: Path) -> None:
    config = replace(custom(long_reviews(tmp_path / "raw")), features=MINED)
    prepared = prepare(config, tmp_path / "cache", seed=0)
    assert prepared.features == ["bed", "breakfast", "pool"]
    assert prepared.sentence(1) == "the bed was fine , number 0 !"
    features = found_features(prepared)
    training = Counter(prepared.feature(int(row)) for row in prepared.splits["train"])
    assert [(one.word, one.count) for one in features] == sorted(
        training.items(), key=lambda entry: (-entry[1], entry[0])
    )
    assert all(one.example.startswith(f"the {one.word} was fine") for one in features)
    console = Console(file=io.StringIO(), width=100)
    print_overview(prepared, console)
    printed = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert "feature words found in training reviews" in printed
    assert "the pool was fine , number" in printed


@pytest.mark.parametrize("width", [60, 80, 160])
def test_long_examples_leave_room_for_the_words(tmp_path: Path, width: int) -> None:
    """The example is what is cut, however narrow the terminal."""
    rest = "and we were " + "very " * 40 + "happy"
    write_lines(tmp_path, entries_of([f"The {word} was fine {rest}." for word in ("waiter", "food")] * 30))
    config = DatasetConfig(format=Format.jsonl, root=str(tmp_path), use_images=False, features=MINED)
    prepared = prepare(config, tmp_path / "cache", seed=0)
    console = Console(file=io.StringIO(), width=width)
    print_overview(prepared, console)
    printed = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    table = printed.partition("feature words found")[2]
    for feature in found_features(prepared):
        (line,) = [line for line in table.splitlines() if f" {feature.word} " in line.partition("the ")[0]]
        assert f" {feature.count} " in line
        assert f"the {feature.word} was fine" in line
        assert line.rstrip().endswith("… │")


def test_many_words_are_shown_by_their_ends(tmp_path: Path) -> None:
    words = [f"{first}{second}oo" for first, second in product("abcdefg", "klmnpqr")]
    texts = [f"The {word} was fine." for index, word in enumerate(words) for _ in range(6 + index)]
    write_lines(tmp_path, entries_of(texts))
    config = DatasetConfig(format=Format.jsonl, root=str(tmp_path), use_images=False, features=MINED)
    prepared = prepare(config, tmp_path / "cache", seed=0)
    console = Console(file=io.StringIO(), width=100)
    print_overview(prepared, console)
    printed = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert f"{len(prepared.features) - 40} more, all in features.json" in printed
    shown = [word for word in words if f" {word} " in printed.partition("feature words found")[2]]
    assert len(shown) == 40


def test_given_features_are_not_said_to_be_found(tmp_path: Path) -> None:
    config = custom(write_reviews(tmp_path / "raw", "feature"))
    given = prepare(config, tmp_path / "cache", seed=0)
    assert found_features(given) == []
    assert prepare(replace(config, features=MINED), tmp_path / "cache", seed=0).stage.hash != given.stage.hash


@pytest.mark.parametrize("format", [Format.peter, Format.synthetic])
def test_formats_with_words_of_their_own_refuse_to_mine(tmp_path: Path, format: Format) -> None:
    config = DatasetConfig(format=format, root=str(tmp_path), features=MINED)
    with pytest.raises(
        InputError, match=rf"features=mined .* but dataset\.format={format.value} names its own"
    ):
        prepare(config, tmp_path / "cache", seed=0)


def test_a_mistyped_choice_ends_in_one_line() -> None:
    register("train", RunConfig)
    with pytest.raises(
        InputError, match=r"dataset\.features: Invalid value 'mind', expected one of \[given, mined\]"
    ):
        check_overrides(["dataset=custom", "dataset.features=mind"], RunConfig, "train")
    with pytest.raises(InputError, match=r"expected one of given, mined, found 'mind'"):
        DatasetConfig().features = "mind"  # pyright: ignore[reportArgumentType]
