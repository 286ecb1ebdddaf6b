"""A run that is shared opens elsewhere as the same run, holds no review, and is noticed when it was changed."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

import meter
from meter.errors import InputError
from meter.export import locate_run, write_bundle
from meter.export.hub import push
from meter.run_folder import RunFolder
from meter.storage.json_file import read_json, write_json
from tests.notebook.examples import METRICS, USERS, make_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = tmp_path / "runs" / "toy"
    folder.mkdir(parents=True)
    made = make_run(folder)
    made.generations_file.write_text('{"reference": "my husband snores"}\n')
    made.checkpoint_folder.mkdir()
    (made.checkpoint_folder / "state.json").write_text("{}")
    made.report_file.write_text("my husband snores")
    return made


@pytest.fixture
def shared(run: RunFolder, tmp_path: Path) -> Path:
    return write_bundle(run, tmp_path / "shared", license_name="mit", user_names=False)


def test_an_exported_run_says_the_same(run: RunFolder, shared: Path) -> None:
    before = meter.load(run.path).explain(user=USERS[3], item="inn-0", feature="bed")
    after = meter.load(shared).explain(user="user-3", item="inn-0", feature="bed")
    assert (after.rating, after.text, after.codes) == (before.rating, before.text, before.codes)
    assert after.context_probabilities == before.context_probabilities
    assert np.array_equal(after.image, before.image)
    assert np.array_equal(after.photo, before.photo)


def test_it_holds_no_review_no_user_and_no_folder_of_the_machine(run: RunFolder, shared: Path) -> None:
    content = b"".join(path.read_bytes() for path in shared.rglob("*") if path.is_file())
    for secret in (b"snores", b"the bed was soft", b"guest-", b"/home/ann"):
        assert secret not in content
    assert not {"last", "generations.jsonl", "report.html"} & {path.name for path in shared.iterdir()}
    assert read_json(shared / "metrics.json") == {"test": METRICS["test"]}


def test_names_of_users_go_with_it_where_wanted(run: RunFolder, tmp_path: Path) -> None:
    shared = write_bundle(run, tmp_path / "named", license_name="mit", user_names=True)
    assert read_json(shared / "names.json")["users"] == USERS
    assert "**The names of the users are in it**" in (shared / "README.md").read_text()


def test_the_model_card(shared: Path) -> None:
    _, head, text = (shared / "README.md").read_text().split("---\n", 2)
    front = yaml.safe_load(head)
    assert front["license"] == "mit"
    (result,) = front["model-index"][0]["results"]
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert values["rating.rmse"] == 0.9683
    assert values["text.bleu_4"] == 3.4258
    assert "| RMSE ↓ | 0.968 |" in text
    assert "6 training records of 9 users about 7 items, 3 feature words" in text
    assert "`rating|clipped:no|version:4`" in text
    assert "| joint training | 12.5 |" in text
    assert "meter.load(" in text
    assert "&" not in text, "nothing is escaped twice"


@pytest.mark.parametrize("name", ["best/model.safetensors", "names.json", "README.md"])
def test_a_file_that_was_changed_is_refused(shared: Path, name: str) -> None:
    (shared / name).write_bytes((shared / name).read_bytes() + b" ")
    with pytest.raises(InputError, match=f"{name}: expected SHA-256 .* found"):
        meter.load(shared)


def test_a_file_that_is_missing_is_named(shared: Path) -> None:
    (shared / "photo_codes.npy").unlink()
    with pytest.raises(InputError, match=r"photo_codes\.npy is missing"):
        meter.load(shared)


def test_nothing_is_overwritten(run: RunFolder, shared: Path) -> None:
    with pytest.raises(InputError, match="expected a new or an empty folder"):
        write_bundle(run, shared, license_name="mit", user_names=False)


def test_an_unfinished_run_is_not_shared(run: RunFolder, tmp_path: Path) -> None:
    run.metrics_file.unlink()
    with pytest.raises(InputError, match=r"metrics\.json is missing"):
        write_bundle(RunFolder(run.path), tmp_path / "x", license_name="mit", user_names=False)


def test_a_run_of_a_later_format_names_the_release(run: RunFolder) -> None:
    write_json(run.manifest_file, {**run.manifest, "format": 2, "package": "9.1.0"})
    with pytest.raises(InputError, match=r"written by METER 9\.1\.0 in format 2; .* reads up to 1"):
        meter.load(run.path)


def test_from_the_hub(shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def snapshot_download(repository: str, revision: str | None) -> str:
        asked.append((repository, revision))
        if repository == "ann/absent":
            raise RuntimeError("404: not found\nrequest 7")
        return str(shared)

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=snapshot_download))
    monkeypatch.chdir(tmp_path)
    assert meter.load("ann/toy", revision="v1").items()[0].name == "inn-0"
    assert asked == [("ann/toy", "v1")]
    with pytest.raises(InputError, match=r"there is no such folder, and the Hub says: 404: not found$"):
        meter.load("ann/absent")
    with pytest.raises(InputError, match="expected the folder of a run, found none"):
        locate_run("runs/mistyped")
    assert len(asked) == 2, "what lies in a folder that is here is not asked for elsewhere"


def test_to_the_hub(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    class Api:
        def create_repo(self, repository: str, **options: object) -> str:
            calls.append(("create", repository, options["private"]))
            return f"https://hub/{repository}"

        def upload_folder(self, *, repo_id: str, folder_path: str, commit_message: str) -> None:
            calls.append(("upload", repo_id, folder_path))

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(HfApi=Api))
    assert push(shared, "ann/toy") == "https://hub/ann/toy"
    assert calls == [("create", "ann/toy", True), ("upload", "ann/toy", str(shared))]
    with pytest.raises(InputError, match="expected owner/name"):
        push(shared, "toy")


def test_without_the_hubs_package(shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.chdir(tmp_path)
    for action in (lambda: meter.load("ann/toy"), lambda: push(shared, "ann/toy")):
        with pytest.raises(InputError, match=r"meter-explain\[hub\]"):
            action()


def test_hashes_are_of_every_file(shared: Path) -> None:
    listed = json.loads((shared / "files.json").read_text())
    there = {path.relative_to(shared).as_posix() for path in shared.rglob("*") if path.is_file()}
    assert set(listed) == there - {"files.json"}
