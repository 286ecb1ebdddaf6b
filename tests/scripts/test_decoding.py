"""The table of decodings: each row is what the model says when its words are chosen so."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from meter.data import Vocabulary
from meter.model import DecodingConfig
from meter.special_words import SPECIAL_WORDS
from tests.conftest import ROOT, small_model
from tests.train.test_loop import small_examples

decoding = runpy.run_path(str(ROOT / "scripts" / "decoding.py"))


def test_sentences_are_those_that_the_model_generates() -> None:
    model, examples = small_model(), small_examples()
    names = [*SPECIAL_WORDS, *(f"w{number}" for number in range(len(SPECIAL_WORDS), model.config.num_words))]
    prepared = SimpleNamespace(vocabulary=Vocabulary(names))
    rows = np.arange(24)
    written = decoding["write_sentences"](model, prepared, examples, rows, DecodingConfig(), 0)
    batch = examples.batch(torch.from_numpy(rows))
    expected = model.generate(batch.users, batch.items, batch.features).words.tolist()
    assert written == [" ".join(prepared.vocabulary.decode(words)) for words in expected]
    at_random = decoding["CHOICES"]["sampled"]
    first, again, other = (
        decoding["write_sentences"](model, prepared, examples, rows, at_random, seed) for seed in (0, 0, 1)
    )
    assert first == again != other


def test_a_row_by_hand() -> None:
    references = ["the pool was big", "the staff was kind"]
    cells = decoding["row_of"](references, ["the pool was big", "the pool was big"], ["pool", "staff"])
    assert dict(zip(decoding["COLUMNS"], cells, strict=True)) == {
        "BLEU-4": "55.33",  # (6/8 · 3/6 · 2/4 · 1/2) ^ ¼
        "ROUGE-1 F": "75.0",
        "ROUGE-L F": "75.0",
        "USR": "0.500",
        "distinct-2": "0.500",
        "FMR": "0.500",
        "words": "4.0",
    }


def test_what_is_no_run_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert decoding["main"]([str(tmp_path)]) == 2
    assert "is not a run folder" in capsys.readouterr().err
