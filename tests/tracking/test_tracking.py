"""What trackers are told: as the journal and metrics.json have it, once, without ever asking anybody."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from meter.errors import InputError
from meter.report import Card
from meter.tracked_results import flat, track_results
from meter.tracking import LogConfig, Trackers, Wandb, check_trackers, open_trackers
from tests.conftest import plain_generation

SETTINGS = {"name": "meter", "system": "meter", "dataset": {"name": "synthetic"}, "seed": 3}
METRICS = {
    "test": {"rating": {"rmse": 0.97, "signature": "rating|4"}, "text": {"rouge_1": {"f": 33.5}}},
    "vq": {"psnr": 24.0},
    "diagnosis": {"count": 7},
}


class FakeRun:
    """What ``wandb.init`` gives, remembering everything."""

    def __init__(self, **options: Any) -> None:
        self.options, self.logged, self.axes, self.summary, self.finished = options, [], {}, {}, False

    def define_metric(self, name: str, step_metric: str) -> None:
        self.axes[name] = step_metric

    def log(self, values: dict[str, Any]) -> None:
        self.logged.append(values)

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeRun]]:
    runs: list[FakeRun] = []

    def init(**options: Any) -> FakeRun:
        runs.append(FakeRun(**options))
        return runs[-1]

    module = SimpleNamespace(
        init=init,
        login=lambda *, prompt: False,
        Settings=lambda **options: options,
        Image=lambda pixels, caption: (pixels.shape, caption),
        Table=lambda columns, data: (columns, data),
    )
    monkeypatch.setitem(sys.modules, "wandb", module)
    return runs


def send_results(trackers: Trackers, config: LogConfig, count: int = 3) -> None:
    card = Card(
        user="ann",
        item="inn",
        rating=3.5,
        text="a <b>soft</b> bed",
        image=np.full((8, 8, 3), 90, dtype=np.uint8),
    )
    photo = np.zeros((8, 8, 3), dtype=np.uint8)
    track_results(
        trackers,
        config,
        metrics=METRICS,
        generated=[plain_generation(f"a | <i>bed</i> {row}", "the bed") for row in range(count)],
        cards=[card, card],
        reconstructions=[(photo, photo + 200)],
        report=Path("runs/report.html"),
    )


def test_numbers_by_their_dotted_names() -> None:
    assert dict(flat(METRICS)) == {
        "test.rating.rmse": 0.97,
        "test.text.rouge_1.f": 33.5,
        "vq.psnr": 24.0,
        "diagnosis.count": 7,
    }


def test_one_run_there_for_one_run_here(wandb: list[FakeRun], tmp_path: Path) -> None:
    folder = tmp_path / "meter-12345678"
    config = LogConfig(wandb=Wandb.offline, generations=2, cards=1)
    training = open_trackers(config, folder, SETTINGS, first_step=1)
    training.log({"train/text": 3.0}, 20)
    training.log({"train/rating": 1.0}, 20, prefix="rating/")
    training.finish()
    results = open_trackers(config, folder, SETTINGS)
    send_results(results, config)
    first, second = wandb
    for run in wandb:
        assert run.options["id"] == run.options["name"] == "meter-12345678"
        assert run.options["resume"] == "allow"
        assert (run.options["group"], run.options["job_type"]) == ("synthetic/meter", "meter")
        assert run.options["config"] == SETTINGS
        assert run.finished
    assert first.logged == [{"step": 20, "train/text": 3.0}, {"rating/step": 20, "rating/train/rating": 1.0}]
    assert first.axes == {"*": "step", "rating/*": "rating/step"}
    assert second.summary == {
        "test.rating.rmse": 0.97,
        "test.text.rouge_1.f": 33.5,
        "vq.psnr": 24.0,
        "report": "runs/report.html",
    }
    sent = {name: value for values in second.logged for name, value in values.items()}
    assert len(sent["cards"]) == 1
    assert sent["reconstructions"] == [((8, 16, 3), "photo | its reconstruction")]
    columns, rows = sent["generations"]
    assert len(rows) == 2
    assert dict(zip(columns, rows[1], strict=True))["sentence"] == "a | <i>bed</i> 1"


def test_a_group_of_ones_own(wandb: list[FakeRun], tmp_path: Path) -> None:
    open_trackers(LogConfig(wandb=Wandb.offline, group="lambdas"), tmp_path, SETTINGS)
    assert wandb[0].options["group"] == "lambdas"


def test_online_without_a_key_is_refused_before_anything_starts(wandb: list[FakeRun]) -> None:
    with pytest.raises(InputError, match="needs a key, and none was found: run `wandb login`"):
        check_trackers(LogConfig(wandb=Wandb.online))
    check_trackers(LogConfig(wandb=Wandb.offline))
    assert wandb == []


@pytest.mark.parametrize(
    ("config", "package", "said"),
    [
        (LogConfig(wandb=Wandb.offline), "wandb", "pip install wandb"),
        (LogConfig(tensorboard=True), "torch.utils.tensorboard", r"meter-explain\[tensorboard\]"),
    ],
)
def test_what_is_not_installed_is_named(
    config: LogConfig, package: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=said):
        check_trackers(config)


def test_without_trackers_nothing_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("wandb", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, package, None)
    check_trackers(LogConfig())
    assert len(open_trackers(LogConfig(), tmp_path, SETTINGS)) == 0


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    return events


def test_event_files_hold_what_was_sent(tmp_path: Path) -> None:
    config = LogConfig(tensorboard=True)
    trackers = open_trackers(config, tmp_path, SETTINGS, first_step=1)
    for step in (10, 20, 30):
        trackers.log({"train/text": 1 / step}, step)
    trackers.finish()
    resumed = open_trackers(config, tmp_path, SETTINGS, first_step=21)
    resumed.log({"train/text": 0.25}, 30)
    resumed.finish()
    results = open_trackers(config, tmp_path, SETTINGS)
    send_results(results, config)

    events = read(tmp_path)
    losses = [(event.step, pytest.approx(event.value)) for event in events.Scalars("train/text")]
    assert losses == [(10, 0.1), (20, 0.05), (30, 0.25)], "the step that was computed again stands once"
    assert events.Scalars("test.text.rouge_1.f")[0].value == 33.5
    assert {"cards/0", "cards/1", "reconstructions/0"} <= set(events.Tags()["images"])
    reconstruction = events.Images("reconstructions/0")[0]
    assert (reconstruction.height, reconstruction.width) == (8, 16)
    (table,) = events.Tensors("generations/text_summary")
    text = table.tensor_proto.string_val[0].decode()
    assert "| test | u | i |" in text
    assert "a &#124; &lt;i&gt;bed&lt;/i&gt; 2" in text
    assert "<i>" not in text


def test_wandb_itself_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's own behaviour: files in the run folder, no key, no network, no question."""
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    config = LogConfig(wandb=Wandb.offline)
    folder = tmp_path / "meter-12345678"
    folder.mkdir()
    trackers = open_trackers(config, folder, json.loads(json.dumps(SETTINGS)), first_step=1)
    trackers.log({"train/text": 3.0}, 20)
    send_results(trackers, config)
    wandb.teardown()  # its service writes on by itself: wait until it has ended
    (written,) = (folder / "wandb").glob("offline-run-*/run-meter-12345678.wandb")
    assert written.stat().st_size > 1000
