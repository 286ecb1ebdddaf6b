"""Whether one user, or one item, is told the same again and again: USR within the sentences of each.

USR over all sentences may be low since different users read the same; what a single reader notices is repetition among
the sentences she gets (Yang et al., MAPLE 2024: user-wise and item-wise USR).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from meter.errors import InputError
from meter.metrics.version import signature


@dataclass(kw_only=True, slots=True)
class GroupUniqueness:
    """Ratios in 0 … 1; None where no group is large enough."""

    usr_by_user: float | None
    """Different sentences over sentences among those of one user, mean over users."""
    usr_by_item: float | None
    """The same among those about one item, mean over items."""
    num_users: int
    """Users counted."""
    num_items: int
    """Items counted."""
    signature: str


def group_uniqueness(sentences: Sequence[str], users: Sequence[str], items: Sequence[str]) -> GroupUniqueness:
    """USR by user and by item, over those with two sentences at least: one sentence is always unique.

    Args:
        sentences: generated (or true) sentences.
        users: whom each is for.
        items: what each is about.

    Raises:
        InputError: unequal numbers.
    """
    return _by_groups(sentences, users, items, smallest=2)


def group_uniqueness_maple_compat(
    sentences: Sequence[str], users: Sequence[str], items: Sequence[str]
) -> GroupUniqueness:
    """The same as MAPLE's evaluation counts: users and items with a single sentence are in the mean, with 1.

    Args and errors as ``group_uniqueness``.
    """
    return _by_groups(sentences, users, items, smallest=1)


def _by_groups(
    sentences: Sequence[str], users: Sequence[str], items: Sequence[str], smallest: int
) -> GroupUniqueness:
    if not len(sentences) == len(users) == len(items):
        raise InputError(
            f"expected as many users and items as sentences, found {len(users)}, {len(items)} and {len(sentences)}"
        )
    by_user = _usr_within(sentences, users, smallest)
    by_item = _usr_within(sentences, items, smallest)
    return GroupUniqueness(
        usr_by_user=fmean(by_user) if by_user else None,
        usr_by_item=fmean(by_item) if by_item else None,
        num_users=len(by_user),
        num_items=len(by_item),
        signature=signature("group_uniqueness", least_sentences=smallest),
    )


def _usr_within(sentences: Sequence[str], groups: Sequence[str], smallest: int) -> list[float]:
    """USR of every group with at least ``smallest`` sentences; spaces make no sentence different."""
    members: dict[str, list[str]] = defaultdict(list)
    for sentence, group in zip(sentences, groups, strict=True):
        members[group].append(" ".join(sentence.split()))
    return [len(set(own)) / len(own) for own in members.values() if len(own) >= smallest]
