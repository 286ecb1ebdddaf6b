"""Tokenized sentences as people write them."""

import pytest

from meter.report.sentence import written_out


@pytest.mark.parametrize(
    ("tokens", "written"),
    [
        (
            "the view over the peaks was beautiful , thank you !",
            "The view over the peaks was beautiful, thank you!",
        ),
        ("i did n't sleep ; i 'm sure it 's the bed", "I didn't sleep; I'm sure it's the bed"),
        ("the guests ' room . it was fine . we ate", "The guests ' room. It was fine. We ate"),
        ("breakfast ( $ 20 ) was `` free '' , they said", "Breakfast ($20) was “free”, they said"),
        ("a well - kept <unk> with wi-fi in 3.5 minutes", "A well-kept <unk> with wi-fi in 3.5 minutes"),
        ("", ""),
    ],
)
def test_spaces_and_capitals(tokens: str, written: str) -> None:
    assert written_out(tokens) == written


def test_nothing_but_spaces_capitals_and_quotes_changes() -> None:
    tokens = "the pool , i think , was n't warm ! but `` nice ''"
    assert written_out(tokens).replace(" ", "").lower() == "thepool,ithink,wasn'twarm!but“nice”"
