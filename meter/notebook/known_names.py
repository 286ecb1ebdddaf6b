"""The names that a run knows, with their rows in the model's tables: its own, and those that were added since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import torch
from jaxtyping import Int, Integer
from torch import Tensor

from meter.errors import InputError
from meter.report.explanation import Mark
from meter.run_folder import RunFolder
from meter.special_words import PAD


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is to be explained; feature: None for a model without feature words."""

    user: str
    item: str
    feature: str | None


class KnownNames:
    """Users, items and feature words of a run, by name.

    new_photos: codes of the photos of items that were added. A name that is unknown raises InputError with the nearest.
    """

    def __init__(self, run: RunFolder) -> None:
        self.users = {name: row for row, name in enumerate(run.names.users)}
        self.items = {name: row for row, name in enumerate(run.names.items)}
        self.features = {
            name: run.vocabulary.index[name] for name in run.names.features if name in run.vocabulary.index
        }
        self.new_photos: dict[str, Integer[np.ndarray, "P M"]] = {}
        self._marks: dict[tuple[str, str], Mark] = {}

    def user(self, name: str) -> int:
        """The row of a user."""
        return find(name, self.users, "user")

    def item(self, name: str) -> int:
        """The row of an item."""
        return find(name, self.items, "item")

    def feature(self, name: str) -> int:
        """The number of a feature word in the vocabulary."""
        return find(name, self.features, "feature")

    def check_new(self, kind: str, name: str) -> None:
        """Raises InputError where the ``user`` or ``item`` of this name is known already."""
        if name in (self.users if kind == "user" else self.items):
            raise InputError(f"the run knows the {kind} {name!r} already; take another name")

    def add_user(self, name: str, row: int) -> None:
        """Notes a user without a history, whose cards say so."""
        self.users[name] = row
        self._marks["user", name] = Mark(label="new user", detail="nothing is known of them")

    def add_item(self, name: str, row: int, codes: Integer[np.ndarray, "P M"]) -> None:
        """Notes an item without a review, whose cards say so. codes: of its photos."""
        self.items[name] = row
        self.new_photos[name] = codes
        count = f"{len(codes)} photo{'' if len(codes) == 1 else 's'}"
        self._marks["item", name] = Mark(label="new item", detail=f"known by {count} alone")

    def marks(self, question: Question) -> list[Mark]:
        """What a card must say of its user and item."""
        asked = (("user", question.user), ("item", question.item))
        return [self._marks[key] for key in asked if key in self._marks]

    def rows(
        self, questions: Sequence[Question], device: torch.device, *, has_feature: bool
    ) -> tuple[Int[Tensor, " B"], Int[Tensor, " B"], Int[Tensor, " B"] | None]:
        """Users, items and feature words as a model takes them."""
        users = torch.tensor([self.users[question.user] for question in questions], device=device)
        items = torch.tensor([self.items[question.item] for question in questions], device=device)
        if not has_feature:
            return users, items, None
        # PAD stands for no feature word: of a dataset that has none.
        numbers = [self.features.get(question.feature or "", PAD) for question in questions]
        return users, items, torch.tensor(numbers, device=device)


def find(name: str, known: Mapping[str, int], kind: str) -> int:
    """The row of a name. Raises InputError with the nearest known ones."""
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=3, cutoff=0.3)
    hint = f"; near are {', '.join(near)}" if near else f"; it knows {', '.join(list(known)[:5])} …"
    raise InputError(f"the run does not know the {kind} {name!r}{hint}")
