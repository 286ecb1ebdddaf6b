"""The benchmark's two sides compute the same, and what it counts is what torch counts."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from meter.model import EOS, PAD
from scripts.benchmarks import cost, generation, metrics, picture, training
from scripts.benchmarks.arithmetic import (
    FORWARD,
    TRAINING,
    Slots,
    Work,
    count_flops,
    decoded,
    decoding_bytes,
    total,
    training_bytes,
)
from scripts.benchmarks.command import PARTS, main
from scripts.benchmarks.machine import QUICK, Machine, Precision, measure_machine
from scripts.benchmarks.part import Comparison, Row, Settings
from scripts.benchmarks.peter import (
    CLIP,
    LEARNING_RATE,
    Peter,
    PeterTraining,
    in_peters_numbers,
    opened_as_meter,
)
from scripts.benchmarks.records import PETER_SIZES, QUICK_SIZES, draw_lengths, draw_records
from scripts.benchmarks.table import Report, duration, markdown, plain
from scripts.benchmarks.timing import Side, Timing, interleaved, summed

CPU = torch.device("cpu")
MACHINE = Machine(
    processor="slide rule",
    accelerator=None,
    threads=1,
    torch="2",
    float32_products="highest",
    peak={"float32": 100.0, "bfloat16": 400.0},
    bandwidth=10.0,
)
SETTINGS = Settings(device=CPU, machine=MACHINE, repeats=1, slow_repeats=1, quick=True, whole=False)


@pytest.mark.parametrize("name", PARTS)
def test_both_sides_compute_the_same(name: str) -> None:
    compared = PARTS[name].compare(CPU)
    assert compared
    assert {each.part for each in compared} == {name}
    assert [each for each in compared if not each.same] == []


@pytest.mark.parametrize("name", PARTS)
def test_every_part_measures(name: str) -> None:
    rows = PARTS[name].measure(SETTINGS)
    assert len({row.case for row in rows}) == len(rows) > 1
    assert any(row.reference for row in rows)
    for row in rows:
        assert row.part == name
        if row.reference_flops is not None:
            assert row.least is not None
            assert row.reference_flops > row.least.flops


def test_the_compared_step_moves_the_weights() -> None:
    torch.manual_seed(0)
    peter = Peter(QUICK_SIZES)
    ours = training.MeterTraining(peter, draw_records(QUICK_SIZES), QUICK_SIZES, CPU, Precision.float32)
    losses = ours.step()
    before, after = (
        opened_as_meter(peter, QUICK_SIZES).state_dict(),
        ours.networks.meter.state_dict(),
    )
    assert min(dataclasses.astuple(losses)) > 0.1
    assert [name for name, weight in after.items() if torch.equal(weight, before[name])] == [
        "embedding.positions.weight"
    ]


def test_the_compared_sentences_are_ragged_and_varied() -> None:
    writers = generation.Writers.of(QUICK_SIZES, CPU, end=generation.ENDING)
    sentences = generation.in_our_numbers(writers.as_peter(Precision.float32), QUICK_SIZES.words).tolist()
    assert len({sentence.index(EOS) for sentence in sentences}) > 2
    assert len({word for sentence in sentences for word in sentence}) > 8


def test_sentences_in_our_numbers() -> None:
    # PETER: bos 0, eos 1, pad 2, unk 3. What it writes after eos is dropped.
    written = torch.tensor([[7, 1, 9], [5, 3, 8], [1, 1, 4]])
    expected = [[7, EOS, PAD, PAD], [5, 3, 8, EOS], [EOS, PAD, PAD, PAD]]
    assert generation.in_our_numbers(written, 10).tolist() == expected


def test_training_has_the_settings_of_peter_plus() -> None:
    sizes = replace(PETER_SIZES, users=9, items=7, words=50)
    config, opened = training.peter_plus(), opened_as_meter(Peter(sizes), sizes).config
    decided_by_data = {"num_users": 9, "num_items": 7, "num_words": 50, "text_length": 15}
    assert opened == replace(config.model, **decided_by_data)
    assert config.dataset.text_length == sizes.text_length
    assert config.train.batch_size == sizes.batch
    assert (config.optimizer.learning_rate, config.optimizer.clip) == (LEARNING_RATE, CLIP)


def test_lengths_are_like_those_of_reviews() -> None:
    generator = np.random.default_rng(0)
    assert draw_lengths(50_000, 1000, generator).mean() == pytest.approx(13.0, abs=0.1)
    cut = draw_lengths(50_000, 15, generator)
    assert cut.mean() == pytest.approx(10.9, abs=0.1)
    assert (cut.min(), cut.max()) == (1, 15)


# What is counted


def counted(run: Callable[[], object]) -> int:
    """Operations as torch counts them, which knows attention where it is made of plain products."""
    by_hand = {
        torch.ops.mkldnn._linear_pointwise: packed_flops,
        torch.ops.aten._embedding_bag_forward_only: bag_flops,
    }
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False, custom_mapping=by_hand) as counter:
        run()
    return counter.get_total_flops()


def packed_flops(
    rows: torch.Size, weight: torch.Size, *_: object, out_shape: torch.Size, **__: object
) -> int:
    """Of a product with packed weights, which torch does not count by itself."""
    return 2 * rows.numel() * weight[0]


def bag_flops(table: torch.Size, rows: torch.Size, *_: object, out_shape: torch.Size, **__: object) -> int:
    """Of a weighted sum of a table's rows, which torch does not count by itself."""
    return 2 * rows.numel() * table[1]


def test_operations_of_a_step() -> None:
    torch.manual_seed(0)
    peter, records = Peter(QUICK_SIZES), draw_records(QUICK_SIZES)
    config = opened_as_meter(peter, QUICK_SIZES).config
    ours = training.MeterTraining(peter, records, QUICK_SIZES, CPU, Precision.float32)
    reference = PeterTraining(peter, in_peters_numbers(records, QUICK_SIZES), CPU, Precision.float32)
    expected = count_flops(config, training.slots_as_peter(QUICK_SIZES), TRAINING)
    assert counted(reference.step) == expected
    least = count_flops(config, training.slots_without_pad(records.lengths), TRAINING)
    assert least <= counted(ours.step) <= expected


def test_operations_of_generation() -> None:
    writers = generation.Writers.of(QUICK_SIZES, CPU, end=generation.NEVER)
    config = writers.meter.config
    expected = count_flops(config, generation.slots_as_peter(QUICK_SIZES), FORWARD)
    assert counted(lambda: writers.as_peter(Precision.float32)) == expected
    least = count_flops(config, decoded(config, QUICK_SIZES.batch), FORWARD)
    # A product reads the slots that the mask then hides: all but the triangle of [u, i, f, BOS].
    assert least <= counted(lambda: writers.ours(Precision.float32)) < expected


def test_sentences_that_end_cost_less() -> None:
    writers = generation.Writers.of(QUICK_SIZES, CPU, end=generation.ENDING)
    config = writers.meter.config
    lengths = (writers.ours(Precision.float32) > EOS).sum(dim=1)
    assert 0 < lengths.float().mean() < config.text_length
    whole = decoded(config, QUICK_SIZES.batch)
    assert generation.slots_of(torch.full_like(lengths, config.text_length), config.text_length) == whole
    least = count_flops(config, generation.slots_of(lengths, config.text_length), FORWARD)
    found = counted(lambda: writers.ours(Precision.float32))
    every_word = generation.Writers.of(QUICK_SIZES, CPU, end=generation.NEVER)
    assert least <= found < counted(lambda: every_word.ours(Precision.float32))


def test_operations_of_pictures() -> None:
    model = picture.Meter(picture.QUICK).eval()
    pairs = picture.draw_pairs(QUICK_SIZES, 3, CPU)
    expected = count_flops(picture.QUICK, picture.slots_without_cache(picture.QUICK, 3), FORWARD)
    assert counted(lambda: picture.choose_without_cache(model, pairs)) == expected


def test_slots_without_pad_by_hand() -> None:
    # u, i, f, BOS and the words; each slot sees itself and the past, u sees i; words, EOS and context are predicted.
    one, three = training.slots_without_pad(np.array([1])), training.slots_without_pad(np.array([3]))
    assert one == Slots(encoded=5, attended=16, words=3, ratings=1)
    assert three == Slots(encoded=7, attended=29, words=5, ratings=1)
    assert training.slots_without_pad(np.array([1, 3])) == total([one, three])


def test_decoding_by_hand() -> None:
    # 3 conditions, BOS, 6 words, BOI and 9 codes, the last of which is not read.
    config = picture.QUICK
    assert decoded(config, 2) == Slots(encoded=38, attended=2 * 191, words=14, codes=18, ratings=2)
    layers = 2 * (4 * 16 * 16 + 2 * 16 * 32)
    weights = 15 * layers + 6 * 16 * 50 + 9 * 16 * 16
    assert decoding_bytes(config, decoded(config, 2), 4) == 4 * (weights + 2 * 2 * 16 * 2 * 191)
    assert training_bytes(config) == 20 * (layers + 16 * 50 + 16 * 16 + 16 * 17)
    text_only = replace(config, num_codes=0, grid=[])
    assert decoded(text_only, 1) == Slots(encoded=9, attended=46, words=7, ratings=1)


# The metrics' reference


def test_metrics_by_hand() -> None:
    words = [["a", "b"], ["a", "c"], ["a", "b"], ["b"]]
    sentences = metrics.Sentences(
        texts=[" ".join(each) for each in words],
        words=words,
        features=["a", "b", "b", "d"],
        feature_set={"a", "b", "d"},
    )
    # Pairs share 1, 2, 1, 1, 0, 1 features.
    expected = metrics.Values(usr=0.75, usn=3, fmr=0.5, fcr=2 / 3, div=1.0)
    assert metrics.compare_all_pairs(sentences) == expected
    assert metrics.ours(sentences) == expected


def test_comparisons_are_counted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def count(first: list[str], second: list[str]) -> bool:
        nonlocal made
        made += 1
        return first == second

    monkeypatch.setattr(metrics, "same_words", count)
    sentences = metrics.draw_sentences(200)
    assert metrics.unique_sentences(sentences.words) == len(set(sentences.texts)) < 200
    assert metrics.count_comparisons(sentences.texts) == made


def test_extrapolation_is_labelled() -> None:
    notes = {whole: metrics.measure(replace(SETTINGS, whole=whole))[1].note for whole in (False, True)}
    assert "extrapolated from 30 sentences" in str(notes[False])
    assert "the reference is measured" in str(notes[True])


# Timing and table


def test_sides_take_turns_after_a_warm_up() -> None:
    calls: list[str] = []
    sides = {
        "a": Side(run=lambda: calls.append("a"), before=lambda: calls.append("before a"), repeats=3),
        "b": Side(run=lambda: calls.append("b"), repeats=1),
    }
    timings = interleaved(sides, CPU)
    a = ["before a", "a"]
    assert calls == [*a, "b", *a, "b", *a, *a]
    assert {name: len(timing.seconds) for name, timing in timings.items()} == {"a": 3, "b": 1}


def test_medians_and_sums_by_hand() -> None:
    timing = Timing([3.0, 1.0, 2.0])
    assert (timing.least, timing.median, timing.most) == (1.0, 2.0, 3.0)
    assert summed([timing, Timing([1.0, 1.0, 4.0])], [1, 10]).seconds == [13.0, 11.0, 42.0]


def test_floors_by_hand() -> None:
    # 400 operations at 100 a second; 800 at 400 a second in bfloat16; 90 bytes at 10 a second.
    assert MACHINE.floor(Work(flops=400, bytes=10), Precision.float32) == 4.0
    assert MACHINE.floor(Work(flops=800, bytes=10), Precision.bfloat16) == 2.0
    assert MACHINE.floor(Work(flops=400, bytes=90), Precision.float32) == 9.0
    slow = replace(MACHINE, peak={"float32": 100.0, "bfloat16": 1.0})
    assert slow.floor(Work(flops=400, bytes=10), Precision.bfloat16) == 4.0
    assert slow.precisions == [Precision.float32]
    assert MACHINE.precisions == [Precision.float32, Precision.bfloat16]


def test_the_machine_is_measured() -> None:
    machine = measure_machine(CPU, QUICK)
    assert machine.peak.keys() == {"float32", "bfloat16"}
    assert min(*machine.peak.values(), machine.bandwidth) > 0
    assert machine.threads == torch.get_num_threads()


def test_a_row_by_hand() -> None:
    row = Row(
        part="training",
        case="a step",
        reference=Timing([9.0, 8.0, 8.0]),
        ours=Timing([2.0, 2.5, 1.5]),
        amount=10,
        unit="records",
        reference_flops=3_000_000_000,
        least=Work(flops=1_500_000_000, bytes=250_000_000),
        floor=0.5,
        note="why",
    )
    report = Report(settings=SETTINGS, rows=[row], comparisons=[Comparison("training", "loss", 0.5, 0.1)])
    assert (
        "| training | a step [1] | 8 s (8–9) | 2 s (1.5–2.5) | 4 | 5 records | 3 | 1.5 | 0.25 | 500 ms | 4 |"
    ) in markdown(report).splitlines()
    assert "[1] why." in markdown(report).splitlines()
    assert "| training | loss | 0.5 | 0.1 | NO |" in markdown(report).splitlines()
    values = json.loads(json.dumps(plain(report), allow_nan=False))
    assert values["rows"][0]["reference_over_ours"] == 4.0
    assert values["rows"][0]["ours_over_floor"] == 4.0
    assert values["rows"][0]["ours"] == {"median": 2.0, "seconds": [2.0, 2.5, 1.5]}
    assert values["comparisons"][0]["same"] is False


@pytest.mark.parametrize(
    ("seconds", "text"), [(1234.5, "1,234 s"), (0.0456, "45.6 ms"), (7.8e-6, "7.8 µs"), (2e-9, "0.002 µs")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_difference_that_is_no_number_is_a_difference() -> None:
    assert not Comparison("training", "loss", float("nan"), 1.0).same


# The command


def test_the_command_writes_both_tables(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--part", "metrics", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "benchmark.md").read_text(encoding="utf-8") == capsys.readouterr().out
    values = json.loads((tmp_path / "benchmark.json").read_text(encoding="utf-8"))
    assert [row["part"] for row in values["rows"]] == ["metrics"] * 3
    assert values["quick"]
    assert all(each["same"] for each in values["comparisons"])


def test_sides_that_differ_end_with_status_1(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metrics, "mean_shared_features", lambda found: 0.5)
    assert main(["--quick", "--part", "metrics", "--out", str(tmp_path)]) == 1
    assert "metrics: DIV: expected a difference of at most 1e-12, found 0." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "cuda"], "expected an accelerator that torch can use, found none"),
        (["--part", "metric"], "invalid choice: 'metric'"),
        (["--repeats", "0"], "invalid positive value: '0'"),
    ],
)
def test_wrong_arguments_end_with_status_2(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "case", [{}, {"batch": 8}, {"side": 12}, {"layers": 4}, {"words": 10_000}, {"codes": 2_048}]
)
def test_the_cost_model_knows_what_a_step_holds(case: dict[str, int]) -> None:
    asked = cost.Case(**{"batch": 4, "width": 128} | case)
    step = cost.Step(asked, CPU)
    predicted = cost.predict(asked, step.num_words)
    assert step.kept() == pytest.approx(predicted.kept, rel=0.05)
    step()
    assert step.lasting() == pytest.approx(predicted.lasting, rel=0.01)


def test_the_cost_model_in_seconds_by_hand() -> None:
    spent = cost.Cost(flops=200, kept=30, lasting=20)
    assert spent.seconds(rate=100.0, bandwidth=10.0) == 2.0 + 3 * 20 / 10
