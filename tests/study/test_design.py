"""Sheets are balanced, repeats come late with sides exchanged, and all is drawn from the seed."""

from collections import Counter

import numpy as np
import pytest

from meter.study.design import Kind, Trial, pairs_of_systems, sheets


def drawn(
    num_systems: int = 2,
    num_pairs: int = 20,
    pairs_per_sheet: int = 20,
    num_sheets: int = 6,
    num_checks: int = 4,
    num_repeats: int = 5,
    seed: int = 0,
) -> list[list[Trial]]:
    return sheets(
        pairs_of_systems(num_systems, num_pairs),
        num_sheets=num_sheets,
        pairs_per_sheet=pairs_per_sheet,
        num_checks=num_checks,
        num_repeats=num_repeats,
        generator=np.random.default_rng(seed),
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("num_systems", "num_pairs", "pairs_per_sheet"), [(2, 20, 20), (2, 21, 21), (3, 24, 8), (3, 25, 25)]
)
def test_sides_are_balanced_on_every_sheet_and_over_them(
    num_systems: int, num_pairs: int, pairs_per_sheet: int, seed: int
) -> None:
    systems = pairs_of_systems(num_systems, num_pairs)
    of_pair: Counter[int] = Counter()
    for sheet in drawn(num_systems, num_pairs, pairs_per_sheet, num_repeats=2, seed=seed):
        of_systems: Counter[tuple[int, int]] = Counter()
        for trial in (trial for trial in sheet if trial.kind is Kind.pair):
            of_systems[systems[trial.number]] += 1 if trial.first_left else -1
            of_pair[trial.number] += 1 if trial.first_left else -1
        assert max(map(abs, of_systems.values())) <= 1
        checks = [trial.first_left for trial in sheet if trial.kind is Kind.check]
        assert abs(2 * sum(checks) - len(checks)) <= 1
    assert max(map(abs, of_pair.values())) <= 2


def test_systems_and_pairs_come_equally_often() -> None:
    counts = Counter(pairs_of_systems(4, 50))
    assert len(counts) == 6
    assert max(counts.values()) - min(counts.values()) <= 1
    shown = Counter(
        trial.number
        for sheet in drawn(pairs_per_sheet=7, num_repeats=2)
        for trial in sheet
        if trial.kind is Kind.pair
    )
    assert max(shown.values()) - min(shown.values()) <= 1


def test_a_sheet_has_every_pair_once_and_the_asked_extras() -> None:
    for sheet in drawn():
        assert sorted(trial.number for trial in sheet if trial.kind is Kind.pair) == list(range(20))
        assert sorted(trial.number for trial in sheet if trial.kind is Kind.check) == list(range(4))
        assert len({trial.number for trial in sheet if trial.kind is Kind.repeat}) == 5


def test_repeats_come_late_with_sides_exchanged() -> None:
    for sheet in drawn():
        first = {trial.number: (place, trial) for place, trial in enumerate(sheet) if trial.kind is Kind.pair}
        for place, trial in enumerate(sheet):
            if trial.kind is Kind.repeat:
                shown_at, before = first[trial.number]
                assert place - shown_at > 20 / 3
                assert trial.first_left is not before.first_left


def test_checks_are_spread_out() -> None:
    for sheet in drawn(num_repeats=0):
        places = [place for place, trial in enumerate(sheet) if trial.kind is Kind.check]
        assert [place // 6 for place in places] == [0, 1, 2, 3]


def test_the_seed_decides_all() -> None:
    assert drawn(seed=3) == drawn(seed=3)
    assert drawn(seed=3) != drawn(seed=4)
