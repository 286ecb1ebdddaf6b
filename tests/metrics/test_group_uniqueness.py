import pytest

from meter.errors import InputError
from meter.metrics.group_uniqueness import group_uniqueness, group_uniqueness_maple_compat

SENTENCES = ["a pool", "a  pool", "a bar", "a pool"]
USERS = ["ann", "ann", "ann", "ben"]
ITEMS = ["inn", "spa", "inn", "inn"]


def test_usr_by_user_and_item_by_hand() -> None:
    found = group_uniqueness(SENTENCES, USERS, ITEMS)
    assert (found.usr_by_user, found.num_users) == (pytest.approx(2 / 3), 1)
    assert (found.usr_by_item, found.num_items) == (pytest.approx(2 / 3), 1)
    assert found.signature == "group_uniqueness|least_sentences:2|version:4"


def test_maple_counts_single_sentences_as_unique() -> None:
    found = group_uniqueness_maple_compat(SENTENCES, USERS, ITEMS)
    assert (found.usr_by_user, found.num_users) == (pytest.approx((2 / 3 + 1) / 2), 2)
    assert (found.usr_by_item, found.num_items) == (pytest.approx((2 / 3 + 1) / 2), 2)


def test_single_sentences_alone_say_nothing() -> None:
    found = group_uniqueness(["a", "b"], ["ann", "ben"], ["inn", "spa"])
    assert (found.usr_by_user, found.usr_by_item, found.num_users) == (None, None, 0)


def test_unequal_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="found 1, 2 and 2"):
        group_uniqueness(["a", "b"], ["ann"], ["inn", "spa"])
