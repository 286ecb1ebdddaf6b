"""Tasks go to Label Studio and come back as its documentation writes an export; what gives no answer is counted."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meter.errors import InputError
from meter.study.answer_rows import COLUMNS
from meter.study.answers import read_answers
from meter.study.create import CreateConfig, Study, create
from meter.study.key import write_key
from meter.study.label_studio import tasks
from meter.study.label_studio_export import ExportCounts
from meter.study.result_page import result_page
from meter.study.score import ScoreConfig, StudyResult, score
from meter.study.text import markdown
from tests.study.runs import write_two_runs

ANNA, BEN = 10, {"id": 11, "email": "ben@example.org", "first_name": "", "last_name": ""}
Chooser = Callable[[int, str], str]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    runs = write_two_runs(tmp_path_factory.mktemp("runs"))
    return create(CreateConfig(runs=runs, num_pairs=9, num_raters=2, num_checks=2, num_repeats=2))


def right(study: Study, place: int) -> str | None:
    return study.key.sheets[0][place - 1].right_answer


def anna(study: Study) -> Chooser:
    """Right in every check, else now left, now right, now none."""
    return lambda place, question: (
        right(study, place) or ("left", "tie", "right")[(place + len(question)) % 3]
    )


def ben(study: Study) -> Chooser:
    return lambda place, question: right(study, place) or ("left", "right")[place % 2]


def annotation(number: int, by: Any, results: dict[str, str], **changes: Any) -> dict[str, Any]:
    """As the interface writes one: the alias of the choice stands in place of what annotators see."""
    return {
        "id": number,
        "completed_by": by,
        "result": [
            {
                "id": f"Dx_{number}_{question}",
                "from_name": question,
                "to_name": "left_sentence",
                "type": "choices",
                "origin": "manual",
                "value": {"choices": [answer]},
            }
            for question, answer in results.items()
        ],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-03-09T22:16:08.728353Z",
        "updated_at": "2026-03-09T22:16:08.728378Z",
        "draft_created_at": None,
        "lead_time": 4.288,
        "prediction": {},
        "result_count": 0,
        "task": number // 100,
        "parent_prediction": None,
        "parent_annotation": None,
        **changes,
    }


def export_of(study: Study, raters: list[tuple[Any, Chooser]]) -> list[dict[str, Any]]:
    """Every task with an annotation by each rater, who answers all that is asked."""
    exported = []
    for number, task in enumerate(json.loads(json.dumps(tasks(study))), start=1):
        place = task["data"]["trial"]
        asked = [question.name for question in study.key.sheets[0][place - 1].asked]
        exported.append(
            {
                "id": number,
                "annotations": [
                    annotation(100 * number + which, by, {one: choose(place, one) for one in asked})
                    for which, (by, choose) in enumerate(raters)
                ],
                "file_upload": "1a2b3c4d-tasks.json",
                "drafts": [],
                "predictions": [],
                "data": task["data"],
                "meta": {},
                "created_at": "2026-03-09T21:52:49.513742Z",
                "updated_at": "2026-03-09T22:16:08.746926Z",
                "inner_id": number,
                "total_annotations": len(raters),
                "cancelled_annotations": 0,
                "total_predictions": 0,
                "project": 83,
            }
        )
    return exported


def write(path: Path, export: Any) -> Path:
    path.write_text(json.dumps(export), encoding="utf-8")
    return path


def write_csv(path: Path, study: Study, name: str, choose: Chooser) -> Path:
    """The same answers as the page saves them."""
    rows = [
        [study.id, name, "1", str(place), question.name, choose(place, question.name), "4.288"]
        for place, trial in enumerate(study.key.sheets[0], start=1)
        for question in trial.asked
    ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return path


def scored(study: Study, folder: Path, answers: list[Path]) -> StudyResult:
    key = write_key(folder / "key.json", study.key)
    config = {"answers": list(map(str, answers)), "key": str(key), "num_resamples": 200, "num_studies": 0}
    return score(ScoreConfig(**config))


def test_an_export_scores_as_the_pages_files_do(study: Study, tmp_path: Path) -> None:
    raters = {"annotator 10": (ANNA, anna(study)), "annotator 11": (BEN, ben(study))}
    export = write(tmp_path / "export.json", export_of(study, list(raters.values())))
    files = [
        write_csv(tmp_path / f"{place}.csv", study, name, choose)
        for place, (name, (_, choose)) in enumerate(raters.items())
    ]
    ours, theirs = scored(study, tmp_path, [export]), scored(study, tmp_path, files)
    assert ours.raters == theirs.raters
    assert ours.questions == theirs.questions
    assert [rater.median_seconds for rater in ours.raters] == [4.288, 4.288]
    assert ours.export == ExportCounts(annotations=2 * len(study.sheets[0]))
    assert theirs.export is None
    mixed = scored(study, tmp_path, [export, write_csv(tmp_path / "cleo.csv", study, "cleo", anna(study))])
    assert [rater.name for rater in mixed.raters] == ["annotator 10", "annotator 11", "cleo"]
    assert "ben@example.org" not in result_page(ours, "line") + markdown(ours, "line")


def test_what_gives_no_answer_is_counted_and_shown(study: Study, tmp_path: Path) -> None:
    export = export_of(study, [(ANNA, anna(study)), (BEN, ben(study))])
    first, second, third = export[:3]
    first["annotations"][0] |= {"was_cancelled": True, "result": []}
    second["annotations"][0]["result"].pop()
    second["annotations"][1]["lead_time"] = None
    third["drafts"] = [{"id": 5, "user": "cleo@example.org", "result": [], "lead_time": 1.0}]
    third["annotations"][0]["result"].append(
        {"from_name": "comment", "to_name": "left_sentence", "type": "textarea", "value": {"text": ["hm"]}}
    )
    cats = {"id": 90, "data": {"image": "https://example.com/cat.jpg"}, "annotations": []}
    beyond = {"id": 91, "data": {**first["data"], "trial": 99}, "annotations": []}
    other = {"id": 92, "data": {**first["data"], "study": "another"}, "annotations": [annotation(1, 1, {})]}
    path = write(tmp_path / "export.json", [*export, cats, beyond, other])
    answers = read_answers([path], study.key)
    assert answers.export == ExportCounts(
        annotations=2 * len(export) - 1, incomplete=1, cancelled=1, drafts=1, unknown_tasks=3, not_asked=1
    )
    missing = {rater.name: rater.num_missing for rater in answers.raters}
    assert missing == {"annotator 10": len(study.key.sheets[0][0].asked) + 1, "annotator 11": 0}
    assert [len(rater.seconds) for rater in answers.raters] == [len(export) - 1] * 2
    result = scored(study, tmp_path, [path])
    said = (
        f"Label Studio: {2 * len(export) - 1} annotations, of which 1 answer some of the questions only. Left out: "
        "1 cancelled annotations, 1 drafts that were not submitted, 3 tasks of no trial of this study, 1 results "
        "about what is not asked."
    )
    assert said in markdown(result, "line")
    assert said in result_page(result, "line")


def test_two_exports_are_counted_together(study: Study, tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{place}.json", export_of(study, [rater]))
        for place, rater in enumerate([(ANNA, anna(study)), (BEN, ben(study))])
    ]
    answers = read_answers(paths, study.key)
    assert answers.export == ExportCounts(annotations=2 * len(study.sheets[0]))
    with pytest.raises(
        InputError, match=r"annotation 100: rater 'annotator 10' has answered \w+ of trial 1 in .*already"
    ):
        read_answers([paths[0], paths[0]], study.key)


def with_result(study: Study, **value: Any) -> list[dict[str, Any]]:
    export = export_of(study, [(ANNA, anna(study))])
    export[0]["annotations"][0]["result"][0]["value"] = value
    return export


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda study: {"tasks": []}, "a list of tasks, found something else"),
        (
            lambda study: [{"id": 7, "trial": 1, "fluency": "left"}],
            "task 7: expected 'data' and 'annotations'",
        ),
        (
            lambda study: [{"id": 7, "data": {"study": "other"}, "annotations": []}],
            "found none among 1; this key is of another study",
        ),
        (lambda study: with_result(study, choices=["Left"]), "expected one choice for fluency, left, tie or"),
        (lambda study: with_result(study, choices=["left", "tie"]), "expected one choice for fluency"),
        (lambda study: with_result(study, text=["left"]), "expected one choice for fluency"),
        (
            lambda study: export_of(study, [(None, anna(study))]),
            "annotation 100: expected 'completed_by' with an annotator's number, found 'None'",
        ),
    ],
)
def test_an_export_that_cannot_be_right_is_refused(
    study: Study, tmp_path: Path, made: Callable[[Study], Any], said: str
) -> None:
    path = write(tmp_path / "export.json", made(study))
    with pytest.raises(InputError) as refused:
        read_answers([path], study.key)
    assert str(refused.value).startswith(str(path))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    path.write_text("{")
    with pytest.raises(InputError, match="found no JSON"):
        read_answers([path], study.key)
