"""The leak of the mask as printed: what sees the review knows it, and generation sees what has been said only."""

import dataclasses
import runpy
from pathlib import Path

import pytest
import torch

from meter.model import Mask
from meter.train.batches import ordered_batches
from tests.conftest import ROOT, small_model
from tests.train.test_loop import small_examples

leak = runpy.run_path(str(ROOT / "scripts" / "leak.py"))


def test_sentences_said_by_whole_passes_are_those_of_the_cache() -> None:
    model, examples = small_model(), small_examples()
    (batch,) = ordered_batches(examples, torch.arange(24).numpy(), batch_size=24)
    with torch.no_grad():
        said = leak["said"](model, batch)
    done = model.generate(batch.users, batch.items, batch.features)
    last = said[:, -1] != 0
    assert torch.equal(said[~last], done.words[~last])
    assert torch.equal(said[:, :-1], done.words[:, :-1])


def test_perplexity_is_the_inverse_geometric_mean_of_the_chances_of_words() -> None:
    model, examples = small_model(), small_examples()
    rows = torch.arange(24).numpy()
    (batch,) = ordered_batches(examples, rows, batch_size=24)
    with torch.no_grad():
        logits = model(batch.users, batch.items, batch.features, batch.words).text
        found = leak["perplexity"](model, examples, rows, 7)
    real = batch.words != 0
    chances = logits.softmax(-1)[real].gather(1, batch.words[real][:, None])
    assert found == pytest.approx(chances.log().mean().neg().exp().item(), rel=1e-5)


def test_the_rating_moves_with_the_review_under_the_literal_mask_only() -> None:
    (batch,) = ordered_batches(small_examples(), torch.arange(24).numpy(), batch_size=24)
    for mask in Mask:
        model = small_model(mask=mask)
        with torch.no_grad():
            given = model(batch.users, batch.items, batch.features, batch.words).rating
            hidden = model(batch.users, batch.items, batch.features, torch.zeros_like(batch.words)).rating
        assert torch.equal(given, hidden) == (mask is not Mask.literal)


def test_the_table_gives_mean_and_spread_of_each_mask() -> None:
    one = leak["Leak"](
        train_perplexity=1.0, test_perplexity=2.0, sentence_truth=0.5, rmse_given=0.5, rmse_hidden=1.5
    )
    other = dataclasses.replace(one, train_perplexity=3.0)
    lines = leak["table"]({"literal": [one, other], "peter": [one]}).splitlines()
    assert lines[2].startswith("| literal | 2 | 2.000 ± 1.414 | 2.000 ± 0.000 |")
    assert lines[3].startswith("| peter | 1 | 1.000 ± 0.000 |")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert leak["main"]([str(tmp_path)]) == 2
    assert "is not a run folder" in capsys.readouterr().err
