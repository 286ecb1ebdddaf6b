"""Scripted raters score as counted by hand, and every file that cannot be right is refused with file and line."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from meter.errors import InputError
from meter.study.design import Kind
from meter.study.key import Key, KeyRun, KeyTrial, write_key
from meter.study.questions import Question
from meter.study.result_page import result_page
from meter.study.score import ScoreConfig, StudyResult, score
from meter.study.text import markdown
from tests.conftest import ROOT
from tests.report.test_page import NASTY, Page

COLUMNS = ["study", "rater", "sheet", "trial", "question", "answer", "seconds"]
ASKED = [Question.fluency, Question.usefulness]


def trial(kind: Kind, number: int, first_left: bool) -> KeyTrial:
    made = KeyTrial(kind=kind, number=number, row=number, item=f"inn {number % 3}", asked=ASKED)
    if kind is Kind.check:
        made.right_answer = "left" if first_left else "right"
    else:
        made.left, made.right = (0, 1) if first_left else (1, 0)
    return made


def small_key(*, label: str = "ours") -> Key:
    """Four pairs on two sheets with opposite sides, a check, and a repeat of pair 0."""
    sheets = [
        [
            trial(Kind.pair, 0, flip),
            trial(Kind.pair, 1, not flip),
            trial(Kind.check, 0, flip),
            trial(Kind.pair, 2, flip),
            trial(Kind.pair, 3, not flip),
            trial(Kind.repeat, 0, not flip),
        ]
        for flip in (True, False)
    ]
    runs = [
        KeyRun(label=label, path="runs/a", config_hash="a"),
        KeyRun(label="theirs", path="runs/b", config_hash="b"),
    ]
    return Key(study="abc", dataset="toy", split="test", questions=ASKED, runs=runs, sheets=sheets)


def write_rater(path: Path, key: Key, rater: str, sheet: int, wanted: dict[int, str]) -> Path:
    """A rater's file. wanted: by trial the preferred system (``ours``, ``theirs``) or ``tie``; ``right`` or ``wrong``
    for a check."""
    rows = [COLUMNS]
    for place, one in enumerate(key.sheets[sheet - 1], start=1):
        for question in one.asked if place in wanted else []:
            want = wanted[place]
            if one.kind is Kind.check:
                wrong = {"left": "right", "right": "left"}[str(one.right_answer)]
                side = one.right_answer if want == "right" else wrong
            elif want == "tie":
                side = "tie"
            else:
                side = "left" if (want == "ours") == (one.left == 0) else "right"
            rows.append([key.study, rater, str(sheet), str(place), question.name, str(side), "4.0"])
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, list[Path]]:
    """Anna and Ben pass the check, Cleo does not."""
    key = small_key()
    answers = [
        write_rater(
            tmp_path / "a.csv",
            key,
            "anna",
            1,
            {1: "ours", 2: "ours", 3: "right", 4: "tie", 5: "theirs", 6: "ours"},
        ),
        write_rater(
            tmp_path / "b.csv",
            key,
            "ben",
            2,
            {1: "ours", 2: "tie", 3: "right", 4: "ours", 5: "ours", 6: "theirs"},
        ),
        write_rater(tmp_path / "c.csv", key, "cleo", 1, {1: "theirs", 2: "theirs", 3: "wrong", 4: "theirs"}),
    ]
    return write_key(tmp_path / "key.json", key), answers


def scored(files: tuple[Path, list[Path]], **changes: object) -> StudyResult:
    key, answers = files
    settings = {
        "answers": [str(path) for path in answers],
        "key": str(key),
        "num_resamples": 200,
        "num_studies": 5,
    }
    return score(ScoreConfig(**{**settings, **changes}))


def test_scripted_raters_score_as_counted_by_hand(files) -> None:
    result = scored(files)
    fluency = result.questions[0]
    (preference,) = fluency.preferences
    assert (preference.wins, preference.ties, preference.losses) == (5, 2, 1)
    assert preference.win_rate == pytest.approx((5 + 1) / 8)
    assert [one.value for one in fluency.strengths] == pytest.approx([5 / 6, 1 / 6], abs=1e-5)
    assert fluency.nu == pytest.approx(2 / 5**0.5, abs=1e-4)
    assert (fluency.self_agreement, fluency.num_repeats) == (0.5, 2), "anna says the same again, ben does not"
    # Pairs (anna, ben): (ours, ours), (ours, tie), (tie, ours), (theirs, ours). Observed: 3 of 4 pairs differ.
    # Of 8 answers 5 are ours, 2 ties, 1 theirs; pairs that differ: 2 · (5·2 + 5·1 + 2·1) = 34 of 8 · 7.
    assert fluency.alpha_nominal == pytest.approx(1 - (3 / 4) / (34 / 56))
    assert preference.interval is not None
    assert 0 <= preference.interval.low <= preference.win_rate <= preference.interval.high <= 1
    assert preference.power is not None


def test_who_fails_the_checks_is_shown_and_left_out(files) -> None:
    result = scored(files)
    rows = {one.name: one for one in result.raters}
    assert [name for name, row in rows.items() if not row.kept] == ["cleo"]
    assert (rows["cleo"].checks_right, rows["cleo"].num_checks, rows["cleo"].num_missing) == (0, 1, 4)
    assert (result.num_raters, result.num_items, result.num_pairs) == (2, 3, 4)
    everybody = scored(files, min_checks=0.0)
    assert everybody.num_raters == 3
    assert everybody.questions[0].preferences[0].losses == 4


def test_the_same_seed_gives_the_same_result(files) -> None:
    assert scored(files, seed=2) == scored(files, seed=2)


def test_one_rater_alone_has_no_interval(files) -> None:
    key, answers = files
    result = scored((key, answers[:1]))
    assert result.questions[0].preferences[0].interval is None
    assert "two raters and two items at least" in markdown(result, "line")
    assert "What one rater preferred" in result_page(result, "line")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("xyz,anna,1,1,fluency,left,1.0", "expected study abc, found 'xyz'"),
        ("abc,,1,1,fluency,left,1.0", "expected a rater id, found an empty cell"),
        ("abc,anna,3,1,fluency,left,1.0", "expected a sheet from 1 to 2, found '3'"),
        ("abc,anna,1,7,fluency,left,1.0", "expected a trial from 1 to 6, found '7'"),
        ("abc,anna,1,1,match,left,1.0", "expected one of the questions fluency, usefulness, found 'match'"),
        ("abc,anna,1,1,fluency,Left,1.0", "expected the answer left, tie or right, found 'Left'"),
        ("abc,anna,1,1,fluency,left,-1", "expected seconds, such as 12.5, found '-1'"),
        ("abc,anna,1,1,fluency,left", "expected 7 cells, found 6"),
        ('abc,anna,1,1,fluency,"left"x,1', "expected a CSV row, found a broken one"),
        ("abc,anna,2,2,fluency,left,1.0", "rater 'anna' was on sheet 1 in {path}:2, now on 2"),
        ("abc,anna,1,6,fluency,left,1.0", "rater 'anna' has answered fluency of trial 6 in {path}:2 already"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused(files, tmp_path, line: str, said: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("\n".join([",".join(COLUMNS), "abc,anna,1,6,fluency,left,1.0", line, ""]))
    with pytest.raises(InputError) as refused:
        scored((files[0], [path]))
    assert f"{path}:3: " in str(refused.value)
    assert said.format(path=path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_other_files_are_refused(files, tmp_path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("study;rater\n")
    with pytest.raises(InputError, match=re.escape(f"{other}:1: expected the columns study,rater")):
        scored((files[0], [other]))
    other.write_bytes(b"study,\xff")
    with pytest.raises(InputError, match="expected UTF-8 text"):
        scored((files[0], [other]))
    with pytest.raises(InputError, match="none of 1 raters is right on"):
        scored((files[0], files[1][2:]))
    with pytest.raises(InputError, match="is missing"):
        score(ScoreConfig())


def test_a_spreadsheet_may_have_saved_the_file(files) -> None:
    key, answers = files
    answers[0].write_bytes(b"\xef\xbb\xbf" + answers[0].read_bytes())
    assert scored((key, answers)).num_raters == 2


def test_names_are_shown_as_they_are(tmp_path) -> None:
    key = small_key(label=NASTY)
    path = write_rater(tmp_path / "a.csv", key, NASTY, 1, {1: "ours", 2: "ours", 3: "right"})
    result = scored((write_key(tmp_path / "key.json", key), [path]))
    page = Page(result_page(result, NASTY))
    assert page.tags["script"] == 0
    assert page.tags["img"] == 0
    assert NASTY not in markdown(result, "line")


@pytest.mark.slow
def test_the_command_writes_its_files(files) -> None:
    key, answers = files
    line = [
        sys.executable,
        "-m",
        "meter.study",
        "score",
        f"answers=[{','.join(map(str, answers))}]",
        f"key={key}",
    ]
    done = subprocess.run(
        [*line, "num_resamples=200", "num_studies=2"],
        cwd=key.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (key.parent / "results").iterdir()} == {
        "study.html",
        "study.md",
        "study.json",
    }
    refused = subprocess.run(
        [sys.executable, "-m", "meter.study", "scroe"],
        cwd=key.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 2
    assert refused.stderr == "error: expected python -m meter.study create or score, found scroe\n"
