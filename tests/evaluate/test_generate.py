"""Generating for whole splits: batch by batch as it is asked for, the same whatever the size of a batch."""

import io
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from meter.data.pairing import PhotoSets
from meter.data.store import Prepared, Records
from meter.data.vocabulary import Vocabulary
from meter.errors import InputError
from meter.evaluate.generate import (
    EvaluationConfig,
    GeneratedExplanation,
    check_evaluation,
    explain_pairs,
    generations,
)
from meter.evaluate.generations import read_generations, write_generations
from meter.evaluate.network_inputs import decode_pictures
from meter.model import CodeChoice, DecodingConfig, WordChoice
from meter.special_words import BOS, EOS, SPECIAL_WORDS, UNK
from meter.storage.stage import Stage
from meter.train.devices import DeviceConfig, make_fabric
from meter.vq import VQGAN, VQConfig
from tests.conftest import small_inputs, small_model
from tests.evaluate.examples import examples_of

COUNT = 12


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    """Twelve records: two to learn from, then a split of seven and one of three."""
    inputs = small_inputs((6,) * COUNT)
    sentence = np.frombuffer(b"a b", dtype=np.uint8)
    return Prepared(
        stage=Stage(folder=tmp_path, hash="", summary={}),
        photos=None,
        vocabulary=Vocabulary([*SPECIAL_WORDS, *(f"w{number}" for number in range(46))]),
        users=[f"u{number}" for number in range(9)],
        items=[f"i{number}" for number in range(7)],
        features=[],
        records=Records(
            users=inputs.users.numpy().astype(np.int32),
            items=inputs.items.numpy().astype(np.int32),
            ratings=np.ones(COUNT, dtype=np.float32),
            features=inputs.features.numpy().astype(np.int32),
            words=inputs.words.numpy().astype(np.int32),
            lengths=np.full(COUNT, 6, dtype=np.int32),
            photos=np.arange(COUNT, dtype=np.int32),
            photo_sets=np.arange(COUNT, dtype=np.int32),
            lines=np.arange(COUNT, dtype=np.int32),
        ),
        photo_sets=PhotoSets(
            offsets=np.arange(COUNT + 1, dtype=np.int64), members=np.arange(COUNT, dtype=np.int32)
        ),
        splits={
            "train": np.array([0], dtype=np.int32),
            "validation": np.array([1], dtype=np.int32),
            "test": np.arange(2, 9, dtype=np.int32),
            "unseen": np.arange(9, 12, dtype=np.int32),
        },
        truth=None,
        sentence_bytes=np.tile(sentence, COUNT),
        sentence_offsets=np.arange(0, 3 * COUNT + 1, 3, dtype=np.int64),
    )


def generated(prepared: Prepared, model, *, batch_size: int, seed: int = 0, sampled: bool = True):
    decoding = DecodingConfig()
    if sampled:
        decoding = DecodingConfig(words=WordChoice.sample, codes=CodeChoice.sample)
    return generations(
        model,
        prepared,
        examples_of(small_inputs((6,) * COUNT)),
        make_fabric(DeviceConfig(accelerator="cpu", precision="32-true")),
        EvaluationConfig(batch_size=batch_size, decoding=decoding),
        Console(file=io.StringIO()),
        seed=seed,
    )


def test_what_is_sampled_depends_on_the_seed_and_not_on_the_batches(prepared: Prepared) -> None:
    model = small_model()
    found = list(generated(prepared, model, batch_size=7))
    assert [one.row for one in found] == list(range(2, 12))
    assert [one.split for one in found] == ["test"] * 7 + ["unseen"] * 3
    for batch_size in (2, 3):
        parts = list(generated(prepared, model, batch_size=batch_size))
        assert [one.text for one in parts] == [one.text for one in found]
        assert [one.codes for one in parts] == [one.codes for one in found]
    other = list(generated(prepared, model, batch_size=7, seed=1))
    assert [one.text for one in other] != [one.text for one in found]
    greedy = list(generated(prepared, model, batch_size=7, sampled=False))
    assert [one.text for one in greedy] != [one.text for one in found]


def test_no_batch_is_generated_before_it_is_asked_for_or_kept_after_it(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_model()
    path = tmp_path / "generations.jsonl"
    calls = []
    generate = model.generate

    def counted(users: torch.Tensor, *rest, **options):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(len(users))
        return generate(users, *rest, **options)

    monkeypatch.setattr(model, "generate", counted)
    made = generated(prepared, model, batch_size=2)
    first = list(itertools.islice(made, 2))
    assert calls == [2]
    with pytest.raises(KeyboardInterrupt):
        write_generations(path, itertools.chain(first, made))
    assert calls == [2, 2, 2]
    assert not path.exists(), "a part must not be taken for the whole"

    monkeypatch.setattr(model, "generate", generate)
    assert write_generations(path, generated(prepared, model, batch_size=2)) == 10
    assert [one.row for one in read_generations(path)] == list(range(2, 12))


def test_the_context_holds_words_only_and_does_not_end_at_eos(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EOS ends no list of words: with ``context_targets=peter_compat`` it is the likeliest of all."""
    model = small_model()
    ranked = torch.tensor([7, EOS, 6, UNK, BOS, 49])
    generate = model.generate

    def with_context(users: torch.Tensor, *rest, **options):
        return replace(generate(users, *rest, **options), context=ranked.expand(len(users), -1))

    monkeypatch.setattr(model, "generate", with_context)
    for one in generated(prepared, model, batch_size=7):
        assert one.context == ["w3", "w2", "w45"]


def test_a_pair_without_a_picture_leaves_the_others_theirs(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every third gets none, as from a retrieval whose item has no photo."""
    model = small_model()
    generate = model.generate

    def with_gaps(users: torch.Tensor, *rest, **options):
        output = generate(users, *rest, **options)
        absent = torch.arange(len(users)) % 3 == 0
        return replace(output, codes=output.codes.masked_fill(absent[:, None], -1))

    monkeypatch.setattr(model, "generate", with_gaps)
    found = list(generated(prepared, model, batch_size=7))
    assert [one.codes is None for one in found[:7]] == [True, False, False, True, False, False, True]
    torch.manual_seed(0)
    vq = VQGAN(
        VQConfig(
            image_size=8, channels=32, multipliers=[1, 1], attention_sizes=[], latent_width=32, num_codes=16
        )
    )
    found = [replace(one, codes=one.codes and [code % 16 for code in one.codes * 16][:16]) for one in found]
    pictures = decode_pictures(found, vq)
    for one, picture in zip(found, pictures, strict=True):
        (alone,) = decode_pictures([one], vq)
        assert (picture is None) == (alone is None) == (one.codes is None)
        if picture is not None and alone is not None:
            assert np.abs(picture.astype(int) - alone).max() <= 1


def explain_one(prepared: Prepared, model, row: int, precision: str = "32-true") -> GeneratedExplanation:
    records = prepared.records
    (explanation,) = explain_pairs(
        model,
        prepared.vocabulary,
        torch.tensor([int(records.users[row])]),
        torch.tensor([int(records.items[row])]),
        torch.tensor([int(records.features[row])]),
        fabric=make_fabric(DeviceConfig(accelerator="cpu", precision=precision)),
        decoding=DecodingConfig(),
    )
    return explanation


def test_a_pair_is_explained_as_the_evaluation_explains_its_record(prepared: Prepared) -> None:
    model = small_model()
    for generation in generated(prepared, model, batch_size=3, sampled=False):
        explanation = explain_one(prepared, model, generation.row)
        assert (explanation.text, explanation.codes) == (generation.text, generation.codes)
        assert explanation.context == generation.context
        assert explanation.predicted_rating == pytest.approx(generation.predicted_rating, rel=1e-5)


@pytest.mark.parametrize(("precision", "expected"), [("bf16-mixed", True), ("32-true", False)])
def test_a_pair_is_explained_in_the_runs_precision(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, precision: str, expected: bool
) -> None:
    model = small_model()
    autocast = []
    generate = model.generate

    def watched(*args, **options):
        autocast.append(torch.is_autocast_enabled("cpu"))
        return generate(*args, **options)

    monkeypatch.setattr(model, "generate", watched)
    explain_one(prepared, model, row=2, precision=precision)
    assert autocast == [expected]


def test_what_is_to_be_measured_is_checked_before_the_training(prepared: Prepared) -> None:
    check_evaluation(prepared, EvaluationConfig(splits=["validation"], optimized=["validation.text.bleu_4"]))
    with pytest.raises(InputError, match=r"evaluation\.splits: expected some of .*, found valid"):
        check_evaluation(prepared, EvaluationConfig(splits=["valid"]))
    with pytest.raises(InputError, match=r"expected a metric of test.*, found validation\.text\.bleu_4"):
        check_evaluation(prepared, EvaluationConfig(optimized=["validation.text.bleu_4"]))
    with pytest.raises(InputError, match=r"expected evaluation\.generate=true, found false"):
        check_evaluation(prepared, EvaluationConfig(generate=False, optimized=["test.text.bleu_4"]))
