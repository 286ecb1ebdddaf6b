"""Attention checks: pairs of cards with an obviously right answer."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meter.errors import InputError
from meter.evaluate.generations import Generation
from meter.study.cards import Source, Two


def make_checks(by_row: Sequence[dict[int, Generation]], rows: Sequence[int], count: int) -> list[Two]:
    """Pairs of one run's card and the same card with the sentence and picture of another item and feature.

    The right sentence names the asked feature; the wrong one names its own and not the asked one. Runs take turns.
    """
    found: list[Two] = []
    taken: set[int] = set()
    for number in range(count):
        run = number % len(by_row)
        candidates = [by_row[run][row] for row in rows if row not in taken]
        pairs = (
            (one, other)
            for one in candidates
            if one.feature is not None and _names(one, one.feature)
            for other in _contradicting(one, candidates)
        )
        two = next(pairs, None)
        if two is None:
            raise InputError(
                f"num_checks={count}: only {len(found)} can be made of sentences that name their feature and "
                f"those of other items that do not; set num_checks={len(found)}"
            )
        one, other = two
        taken |= {one.row, other.row}
        wrong = replace(one, text=other.text, codes=other.codes)
        found.append(Two(first=Source(run=run, generation=one), second=Source(run=run, generation=wrong)))
    return found


def _contradicting(one: Generation, candidates: Sequence[Generation]) -> Iterator[Generation]:
    """The generations that say nothing of the feature that ``one`` was asked for."""
    assert one.feature is not None
    for other in candidates:
        if (
            other.feature is not None
            and other.item != one.item
            and other.feature != one.feature
            and _names(other, other.feature)
            and not _names(other, one.feature)
        ):
            yield other


def _names(generation: Generation, feature: str) -> bool:
    return f" {feature.lower()} " in f" {generation.text.lower()} "
