"""Checkpoints are whole or not at all."""

import math
import resource

import pytest
import torch

from meter.storage.checkpoint import load_checkpoint, save_checkpoint
from meter.storage.journal import Journal


def test_a_tree_survives_the_round_trip_bit_for_bit(tmp_path) -> None:
    state = {
        "weights": {"a/b": torch.randn(3, 2), "half": torch.randn(4).to(torch.bfloat16)},
        3: [torch.tensor(7), None, True, 0.1, {"rate": 1e-17, "best": math.inf}],
        "empty": {},
        "random": torch.get_rng_state(),
    }
    save_checkpoint(tmp_path / "last", state)
    found = load_checkpoint(tmp_path / "last")
    assert found is not None
    assert torch.equal(found["weights"]["a/b"], state["weights"]["a/b"])
    assert found["weights"]["half"].dtype is torch.bfloat16
    assert found[3][1:] == state[3][1:]
    assert torch.equal(found["random"], state["random"])
    assert found["empty"] == {}


def test_nothing_there_is_none(tmp_path) -> None:
    assert load_checkpoint(tmp_path / "last") is None


@pytest.mark.parametrize("damage", ["cut", "flip", "lost", "json"])
def test_a_torn_checkpoint_is_noticed_and_the_one_before_is_used(tmp_path, damage: str) -> None:
    for step in (1, 2):
        save_checkpoint(tmp_path / "last", {"step": step, "weight": torch.full((100,), float(step))})
    tensors = tmp_path / "last" / "state.safetensors"
    content = bytearray(tensors.read_bytes())
    if damage == "cut":
        tensors.write_bytes(content[:-8])
    elif damage == "flip":
        content[-1] ^= 1
        tensors.write_bytes(content)
    elif damage == "lost":
        tensors.unlink()
    else:
        (tmp_path / "last" / "state.json").write_text('{"sha256": "')
    with pytest.warns(UserWarning, match="is torn"):
        found = load_checkpoint(tmp_path / "last")
    assert found is not None
    assert found["step"] == 1


def test_a_kill_between_the_renames_leaves_the_one_before(tmp_path) -> None:
    save_checkpoint(tmp_path / "last", {"step": 1})
    (tmp_path / "last").rename(tmp_path / "last.previous")
    assert load_checkpoint(tmp_path / "last") == {"step": 1}


def test_code_cannot_be_saved(tmp_path) -> None:
    with pytest.raises(TypeError, match="got function at /hook"):
        save_checkpoint(tmp_path / "last", {"hook": lambda: None})


def test_the_journal_forgets_what_came_after_the_checkpoint(tmp_path) -> None:
    journal = Journal(tmp_path / "metrics.jsonl")
    for step in range(4):
        journal.write(step=step)
    length = len(journal)
    journal.write(step=9)
    with journal.path.open("a") as file:
        file.write('{"step": 10, "los')
    journal.truncate(length)
    assert [line["step"] for line in journal.read()] == [0, 1, 2, 3]


def test_a_journal_that_cannot_be_rewritten_stays_as_it_was(tmp_path) -> None:
    """The disk is full in the middle of it: no line is lost."""
    journal = Journal(tmp_path / "metrics.jsonl")
    for step in range(100):
        journal.write(step=step)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            journal.truncate(50)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [line["step"] for line in journal.read()] == list(range(100))
    assert list(tmp_path.iterdir()) == [journal.path]
