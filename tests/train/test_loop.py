"""The joint training: two networks that leave each other alone, overfitting, and going on bit for bit."""

import itertools
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from rich.console import Console

from meter.disc import DiscriminatorConfig
from meter.errors import InputError
from meter.model import EOS, PAD, Meter
from meter.signals import Interrupted, StopRequest
from meter.storage.checkpoint import save_checkpoint
from meter.storage.journal import Journal
from meter.tracking import LogConfig
from meter.train import build
from meter.train.batches import Examples, training_batches
from meter.train.devices import DeviceConfig, make_fabric
from meter.train.files import TrainingFiles
from meter.train.log import TrainingLog
from meter.train.loop import EarlyStop, JointTraining, TrainConfig
from meter.train.networks import JointNetworks
from meter.train.objective import ContextTargets, ObjectiveConfig, SampleSource
from meter.train.optimizer import (
    LearningRateSchedule,
    OptimizerConfig,
    OptimizerKind,
    cosine_factor,
    make_optimizer,
)
from tests.conftest import ROOT, small_config, small_inputs, small_model

CPU = DeviceConfig(accelerator="cpu", precision="32-true")


def small_examples(
    count: int = 24, without_photo: bool = True, lengths: tuple[int, ...] | None = None
) -> Examples:
    inputs = small_inputs(lengths or tuple(np.random.default_rng(0).integers(1, 7, count).tolist()))
    photos = np.arange(count)
    if without_photo:
        photos[::5] = -1
    return Examples(
        users=inputs.users.numpy(),
        items=inputs.items.numpy(),
        features=inputs.features.numpy(),
        words=inputs.words.numpy(),
        ratings=np.random.default_rng(1).integers(1, 6, count).astype(np.float32),
        photos=photos,
        codes=inputs.codes.numpy(),
        device=torch.device("cpu"),
    )


def make_networks(
    fabric: Fabric, optimizer: OptimizerConfig, *, dropout: float, with_discriminator: bool = True
) -> JointNetworks:
    """Toy networks; D scores the extra negatives too."""
    torch.manual_seed(0)
    return build.make_networks(
        fabric,
        model=small_config(dropout=dropout),
        discriminator=DiscriminatorConfig(width=16, code_rank=4),
        objective=ObjectiveConfig(
            lambda_d=1.0 if with_discriminator else 0.0,
            generated_pair_negatives=True,
            mismatched_negatives=True,
        ),
        optimizer=optimizer,
        vq=None,
    )


def make_training(
    folder: Path,
    *,
    optimizer: OptimizerConfig | None = None,
    objective: ObjectiveConfig | None = None,
    stop: StopRequest | None = None,
    dropout: float = 0.2,
    **config: object,
) -> JointTraining:
    """A training over 16 examples, 4 a step; validation on the other 8."""
    folder.mkdir(exist_ok=True)
    files = TrainingFiles(
        checkpoint=folder / "last",
        best=folder / "best",
        best_discriminator=folder / "best" / "discriminator",
        journal=folder / "metrics.jsonl",
        run=folder,
    )
    fabric = make_fabric(CPU)
    optimizer = optimizer or OptimizerConfig(learning_rate=1e-2, warmup_steps=2)
    settings = {"epochs": 3, "batch_size": 4, "patience": 9, "checkpoint_every": 100, "log_every": 2}
    return JointTraining(
        fabric=fabric,
        networks=make_networks(fabric, optimizer, dropout=dropout),
        examples=small_examples(),
        splits={"train": np.arange(16), "validation": np.arange(16, 24)},
        objective=objective or ObjectiveConfig(lambda_d=0.5),
        optimizer=optimizer,
        config=TrainConfig(**{**settings, **config}),
        files=files,
        seed=3,
        log=TrainingLog(files, Console(quiet=True), LogConfig(), {}, quiet=False),
        stop=stop or StopRequest(),
    )


class StopAfter(StopRequest):
    """Asks to stop when it has been looked at a number of times."""

    def __init__(self, looks: int) -> None:
        self.left = looks

    @property
    def asked(self) -> bool:
        self.left -= 1
        return self.left < 0


def assert_same_state(first: JointTraining, second: JointTraining) -> None:
    for network, other in zip(first.networks.all(), second.networks.all(), strict=True):
        for name, weight in network.module.state_dict().items():
            assert torch.equal(weight, other.module.state_dict()[name]), name
        for key, state in network.optimizer.state_dict()["state"].items():
            for name, value in state.items():
                assert torch.equal(value, other.optimizer.state_dict()["state"][key][name]), name
    assert first.progress == second.progress
    assert first.schedule.state_dict() == second.schedule.state_dict()


def journal_without_speed(folder: Path) -> list[dict]:
    lines = Journal(folder / "metrics.jsonl").read()
    return [{name: value for name, value in line.items() if name != "words_per_second"} for line in lines]


@pytest.mark.parametrize("samples", list(SampleSource))
@pytest.mark.parametrize("kind", list(OptimizerKind))
def test_ten_steps_equal_five_and_save_and_load_and_five(
    tmp_path, kind: OptimizerKind, samples: SampleSource
) -> None:
    """Weights, both optimizers, schedules, random states, position in the epoch, journal: all bit for bit."""
    optimizer = OptimizerConfig(kind=kind, learning_rate=1e-2, warmup_steps=2)
    objective = ObjectiveConfig(lambda_d=0.5, samples=samples)
    settings = {"optimizer": optimizer, "objective": objective}
    whole = make_training(tmp_path / "whole", **settings)
    whole.run()
    assert whole.progress.step == 12
    random_after = torch.get_rng_state()

    stopped = make_training(tmp_path / "parts", **settings, stop=StopAfter(5))
    with pytest.raises(Interrupted, match="step 6"):
        stopped.run()
    torch.manual_seed(99)
    resumed = make_training(tmp_path / "parts", **settings)
    resumed.run()
    assert_same_state(whole, resumed)
    assert torch.equal(torch.get_rng_state(), random_after)
    assert journal_without_speed(tmp_path / "whole") == journal_without_speed(tmp_path / "parts")
    best = [Meter.from_pretrained(tmp_path / name / "best").state_dict() for name in ("whole", "parts")]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def train_until_killed(folder: Path, step: int) -> None:
    """Trains, and kills its own process before a step."""
    killed = make_training(folder, checkpoint_every=3)
    take_step = killed.step

    def step_or_die(parts) -> None:
        if killed.progress.step == step:
            os.kill(os.getpid(), signal.SIGKILL)
        take_step(parts)

    killed.step = step_or_die
    killed.run()


def test_a_resumed_run_goes_on_with_its_average_of_the_weights(tmp_path) -> None:
    optimizer = OptimizerConfig(learning_rate=1e-2, ema_decay=0.9)
    whole = make_training(tmp_path / "whole", optimizer=optimizer)
    whole.run()
    with pytest.raises(Interrupted):
        make_training(tmp_path / "parts", optimizer=optimizer, stop=StopAfter(5)).run()
    resumed = make_training(tmp_path / "parts", optimizer=optimizer)
    resumed.run()
    assert_same_state(whole, resumed)
    best = [Meter.from_pretrained(tmp_path / name / "best").state_dict() for name in ("whole", "parts")]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def test_the_average_is_validated_and_saved_and_the_weights_go_on_from_where_they_were(tmp_path) -> None:
    """Against the average by its definition, of the weights after each of 12 steps."""
    plain = make_training(tmp_path / "plain")
    history = []
    take_step = plain.step

    def step_and_remember(parts) -> None:
        take_step(parts)
        history.append({name: each.clone() for name, each in plain.networks.model.state_dict().items()})

    average = {name: each.clone() for name, each in plain.networks.model.state_dict().items()}
    plain.step = step_and_remember
    plain.run()
    for step, weights in enumerate(history, start=1):
        kept = min(0.8, (1 + step) / (10 + step))
        average = {name: kept * average[name] + (1 - kept) * weights[name] for name in average}

    optimizer = OptimizerConfig(learning_rate=1e-2, warmup_steps=2, ema_decay=0.8)
    averaged = make_training(tmp_path / "averaged", optimizer=optimizer)
    averaged.keep_best = lambda loss: JointTraining.keep_best(averaged, -1.0 * averaged.progress.step)
    averaged.run()
    assert_same_weights(averaged.networks.model.state_dict(), history[-1])
    saved = Meter.from_pretrained(tmp_path / "averaged" / "best").state_dict()
    for name, value in average.items():
        torch.testing.assert_close(saved[name], value)


def assert_same_weights(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert all(torch.equal(first[name], second[name]) for name in second)


def test_a_killed_run_ends_like_one_that_was_not(tmp_path) -> None:
    """SIGKILL in the middle of an epoch, with unsaved steps behind it: the same end, bit for bit."""
    whole = make_training(tmp_path / "whole", checkpoint_every=3)
    whole.run()
    script = (
        "import pathlib, sys; from tests.train.test_loop import train_until_killed; "
        "train_until_killed(pathlib.Path(sys.argv[1]), 8)"
    )
    root = ROOT
    child = subprocess.run([sys.executable, "-c", script, tmp_path / "killed"], cwd=root, timeout=120)
    assert child.returncode == -signal.SIGKILL
    resumed = make_training(tmp_path / "killed", checkpoint_every=3)
    resumed.run()
    assert_same_state(whole, resumed)
    assert journal_without_speed(tmp_path / "whole") == journal_without_speed(tmp_path / "killed")


def test_eight_examples_are_overfitted_to_exact_sentences_and_codes(tmp_path) -> None:
    optimizer = OptimizerConfig(learning_rate=1e-2, warmup_steps=10, final_rate=0.01)
    training = make_training(
        tmp_path,
        optimizer=optimizer,
        objective=ObjectiveConfig(lambda_r=1.0),
        dropout=0.0,
        epochs=150,
        batch_size=8,
        patience=1000,
        log_every=1000,
    )
    examples = small_examples(8, without_photo=False)
    examples.users = torch.arange(8)
    training.examples = examples
    training.splits = {"train": np.arange(8), "validation": np.arange(8)}
    training.steps_per_epoch = 1
    training.run()
    done = training.networks.meter.generate(examples.users, examples.items, examples.features)
    assert torch.equal(done.words, examples.words)
    assert torch.equal(done.codes, examples.codes[:-1])
    assert (done.rating - examples.ratings).abs().max() < 0.3


def test_validation_measures_words_as_they_are_though_training_smooths_them(tmp_path) -> None:
    found = []
    for smoothing in (0.0, 0.5):
        objective = ObjectiveConfig(lambda_d=0.0, label_smoothing=smoothing)
        training = make_training(tmp_path / str(smoothing), objective=objective)
        training.validate()
        found.append(Journal(tmp_path / str(smoothing) / "metrics.jsonl").read()[-1]["text"])
    assert found[0] == found[1]


def test_early_stop_counts_failures_and_keeps_the_best(tmp_path) -> None:
    training = make_training(tmp_path, patience=2)
    for loss, failures in ((3.0, 0), (3.5, 1), (2.5, 0), (2.5, 1), (2.6, 2)):
        assert not training.finished
        training.keep_best(loss)
        assert training.progress.failures == failures
    assert training.finished
    assert training.progress.best_loss == 2.5


def test_peters_annealing_quarters_the_rate_after_each_failure(tmp_path) -> None:
    optimizer = OptimizerConfig(kind=OptimizerKind.peter_sgd, learning_rate=1.0)
    training = make_training(tmp_path, optimizer=optimizer, patience=9)
    rates = []
    for loss in (3.0, 4.0, 4.0, 2.0):
        training.keep_best(loss)
        training.schedule.set_rates(0, training.networks.transformer.optimizer, None)
        rates.append(training.networks.transformer.optimizer.param_groups[0]["lr"])
    assert rates == [1.0, 0.25, 0.0625, 0.0625]


def test_cosine_by_hand() -> None:
    config = OptimizerConfig(warmup_steps=10, final_rate=0.1)
    assert cosine_factor(0, config, 110) == pytest.approx(0.1)
    assert cosine_factor(9, config, 110) == pytest.approx(1.0)
    assert cosine_factor(60, config, 110) == pytest.approx(0.1 + 0.9 / 2)
    assert cosine_factor(110, config, 110) == pytest.approx(0.1)
    assert LearningRateSchedule(config, 110).state_dict() == {"annealed": 1.0}


def visited(**settings: int) -> list[list[list[int]]]:
    """The records of every part of every step of an epoch of six a step."""
    settings = {"batch_size": 6, "epoch": 2, "seed": 1, **settings}
    steps = training_batches(small_examples(without_photo=False), np.arange(24), **settings)
    return [[part.indices.tolist() for part in parts] for parts in steps]


def test_an_epoch_visits_every_example_once_and_resumes_in_its_order() -> None:
    whole = visited()
    assert sorted(row for [rows] in whole for row in rows) == list(range(24))
    assert visited(start=2) == whole[2:]
    assert visited(epoch=3) != whole


def test_processes_and_parts_share_every_batch_without_overlap() -> None:
    first, second = (visited(rank=rank, world_size=2, parts=2) for rank in range(2))
    assert [list(map(len, parts)) for parts in first] == [[2, 1]] * 4
    assert [sorted(itertools.chain(*one, *other)) for one, other in zip(first, second, strict=True)] == [
        sorted(rows) for [rows] in visited()
    ]


def test_records_without_a_picture_are_parts_of_their_own_and_each_is_visited_once() -> None:
    examples = small_examples()
    visited_rows = []
    for parts in training_batches(examples, np.arange(24), batch_size=6, epoch=2, seed=1):
        assert 1 <= len(parts) <= 2
        for part in parts:
            expected = (
                (part.indices % 5 != 0).all() if part.codes is not None else (part.indices % 5 == 0).all()
            )
            assert expected
            assert part.codes is None or (part.codes >= 0).all()
            visited_rows += part.indices.tolist()
    assert sorted(visited_rows) == list(range(24))
    (whole,) = small_examples(without_photo=False).by_picture(torch.arange(4))
    assert whole.codes is not None
    (bare,) = examples.by_picture(torch.tensor([0, 5]))
    assert bare.codes is None


@pytest.mark.parametrize("accumulation", [5, 17])
def test_more_parts_than_records_are_refused(tmp_path, accumulation: int) -> None:
    with pytest.raises(InputError, match=rf"1 devices × {accumulation} parts, found 4 and 16 training"):
        make_training(tmp_path, accumulation=accumulation)


def test_absent_photos_have_no_codes() -> None:
    examples = small_examples()
    batch = examples.batch(torch.tensor([5, 6]))
    assert (batch.codes[0] == -1).all()
    assert (batch.codes[1] >= 0).all()


def test_weight_decay_is_for_matrices_only_and_tables_have_a_rate_of_their_own() -> None:
    config = replace(OptimizerConfig(), weight_decay=0.3, learning_rate=0.01, embedding_rate=5.0)
    optimizer = make_optimizer(Meter(small_config()), config)
    decayed, plain, tables = optimizer.param_groups
    assert decayed["weight_decay"] == 0.3
    assert all(weight.ndim >= 2 for weight in decayed["params"])
    assert plain["weight_decay"] == 0
    assert all(weight.ndim < 2 for weight in plain["params"])
    assert len(tables["params"]) == 5
    LearningRateSchedule(replace(config, warmup_steps=0), 100).set_rates(0, optimizer, None)
    rates = [group["lr"] for group in (decayed, plain, tables)]
    assert rates == pytest.approx([rates[0], rates[0], 5 * rates[0]])


def test_the_users_table_may_decay_otherwise() -> None:
    config = replace(OptimizerConfig(), weight_decay=0.3, user_decay=0.02, embedding_rate=5.0)
    meter = Meter(small_config())
    optimizer = make_optimizer(meter, config)
    tables, users = optimizer.param_groups[2:]
    assert (tables["weight_decay"], users["weight_decay"]) == (0.3, 0.02)
    assert users["params"] == [meter.embedding.users.weight]
    assert len(tables["params"]) == 4
    LearningRateSchedule(config, 100).set_rates(50, optimizer, None)
    assert users["lr"] == tables["lr"] > optimizer.param_groups[0]["lr"]


def test_only_the_first_process_cuts_the_journal(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = make_training(tmp_path)
    training.log.journal.write(step=1)
    with monkeypatch.context() as other:
        other.setattr(Fabric, "is_global_zero", False)
        training.resume()
        assert len(training.log.journal) == 1
    training.resume()
    assert len(training.log.journal) == 0


def test_a_checkpoint_of_another_format_is_refused(tmp_path) -> None:
    save_checkpoint(tmp_path / "last", {"position": {"epoch": 3}})
    with pytest.raises(InputError, match="expected a checkpoint of format 3, found None"):
        make_training(tmp_path).resume()


@pytest.mark.parametrize("targets", list(ContextTargets))
@pytest.mark.parametrize("early_stop", list(EarlyStop))
def test_validation_means_do_not_depend_on_the_batch_size(
    tmp_path, targets: ContextTargets, early_stop: EarlyStop
) -> None:
    """Sentences of different length, and records without a photo; 8 of them, so batches of 3 are uneven."""
    lines, best = [], []
    for batch_size in (1, 3, 8):
        objective = ObjectiveConfig(lambda_d=0.5, context_targets=targets)
        training = make_training(
            tmp_path / str(batch_size), batch_size=batch_size, objective=objective, early_stop=early_stop
        )
        training.networks.meter.load_state_dict(small_model().state_dict())
        training.validate()
        lines.append({**training.log.journal.read()[-1], "kind": 0})
        best.append(training.progress.best_loss)
    for line in lines:
        assert line == pytest.approx(lines[0], rel=1e-6)
    assert best == pytest.approx(best[:1] * 3, rel=1e-6)


def test_validation_means_by_hand(tmp_path) -> None:
    """Means over words, context words, pictures and records of the whole split."""
    training = make_training(tmp_path, batch_size=3)
    meter = training.networks.meter
    meter.load_state_dict(small_model().state_dict())
    training.validate()
    line = training.log.journal.read()[-1]
    examples = training.examples
    words, photos = examples.words[16:].long(), examples.photos[16:]
    codes = examples.codes[photos].long()
    with torch.no_grad():
        output = meter.eval()(
            examples.users[16:].long(),
            examples.items[16:].long(),
            examples.features[16:].long(),
            words,
            codes,
        )
    text = F.cross_entropy(output.text.flatten(0, 1), words.flatten(), ignore_index=PAD)
    visual = F.cross_entropy(output.visual.flatten(0, 1), codes.flatten(), ignore_index=-1)
    context = [
        -output.context[row].log_softmax(-1)[word].item()
        for row, sentence in enumerate(words.tolist())
        for word in sentence
        if word not in (PAD, EOS)
    ]
    rating = (output.rating - examples.ratings[16:]).square().mean()
    expected = {
        "text": text.item(),
        "visual": visual.item(),
        "rating": rating.item(),
        "context": float(np.mean(context)),
    }
    assert {name: line[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    total = expected["text"] + expected["visual"] + 0.1 * expected["rating"] + expected["context"]
    assert line["total"] == pytest.approx(total, rel=1e-5)


def test_the_discriminator_may_decay_otherwise() -> None:
    def decay(**settings: float) -> float:
        scorer = make_networks(make_fabric(CPU), OptimizerConfig(**settings), dropout=0.0).discriminator
        groups = scorer.optimizer.param_groups
        assert [group["weight_decay"] for group in groups[1:2]] == [0.0], "biases and gains do not decay"
        assert groups[0]["weight_decay"] == groups[2]["weight_decay"]
        return groups[0]["weight_decay"]

    assert decay(weight_decay=0.3) == 0.3
    assert decay(weight_decay=0.3, discriminator_weight_decay=0.02) == 0.02
    assert decay(weight_decay=0.3, discriminator_weight_decay=0.0) == 0.0


def test_l_d_counts_from_a_share_of_the_training_on(tmp_path) -> None:
    """Twelve steps, L_d from the third of them on."""
    training = make_training(
        tmp_path, objective=ObjectiveConfig(lambda_d=0.5, matching_from=0.25), log_every=1
    )
    training.run()
    lines = [line for line in training.log.journal.read() if line["kind"] == "train"]
    assert ["generator" in line for line in lines] == [False] * 3 + [True] * 9
