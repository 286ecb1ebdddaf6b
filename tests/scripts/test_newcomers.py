"""The table of newcomers: what is asked, and shares by hand."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from meter.report import Card
from tests.conftest import ROOT

newcomers = runpy.run_path(str(ROOT / "scripts" / "newcomers.py"))


def test_every_feature_that_an_item_has_is_asked_for() -> None:
    values = {("inn", "bed"): ["red"], ("inn", "pool"): [], ("bar", "bed"): ["blue", "red"]}
    truth = SimpleNamespace(possible=lambda name, feature: values.get((name, feature), []))
    asked = newcomers["questions"](truth, ["inn", "bar"], ["bed", "pool"], "new ")
    assert [(one.item, one.feature, one.possible) for one in asked] == [
        ("new inn", "bed", ["red"]),
        ("new bar", "bed", ["blue", "red"]),
    ]


def test_shares_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three cards: true and shown so; said otherwise than shown, which is true; nothing said, nothing shown."""
    texts, shown = ["bed:red", "bed:blue", ""], ["red", "red", None]
    pairs: list = []

    def explain_many(asked: list) -> list[Card]:
        pairs.extend(asked)
        return [
            Card(
                user=user,
                item=item,
                feature=feature,
                rating=4.0,
                text=text,
                image=np.full((1, 1, 3), number, np.uint8),
            )
            for number, ((user, item, feature), text) in enumerate(zip(asked, texts, strict=True))
        ]

    names = newcomers["shares"].__globals__
    monkeypatch.setitem(names, "read_text", lambda text: dict([text.split(":")]) if text else {})
    monkeypatch.setitem(names, "read_image", lambda pixels: {"bed": shown[pixels[0, 0, 0]]})
    asked = [newcomers["Asked"](item="inn", feature="bed", possible=["red"])] * 3
    found = newcomers["shares"](SimpleNamespace(explain_many=explain_many), asked, ["ann", "bob"])
    assert [user for user, _, _ in pairs] == ["ann", "bob", "ann"]
    assert (found.sentence, found.picture) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert found.agreement == pytest.approx(1 / 3), "who is silent agrees with nothing"


def test_what_is_no_run_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert newcomers["main"]([str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
