"""The truth of a world: the values of its items, and the lowest possible error of predicted ratings."""

import json
from dataclasses import dataclass
from pathlib import Path

from meter.errors import InputError

TRUTH = "truth.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """The content of a world's ``truth.json``.

    features: kind -> feature word -> its canonical values.
    kinds: item -> kind.
    values: item -> feature word -> canonical value.
    mean_ratings: E[rating | user, item] for each line of ``reviews.jsonl``, in stars.
    noise_floor: split -> expected RMSE of those means; no model can do better.
    """

    features: dict[str, dict[str, list[str]]]
    kinds: dict[str, str]
    values: dict[str, dict[str, str]]
    mean_ratings: list[float]
    noise_floor: dict[str, float]

    @classmethod
    def load(cls, path: Path) -> "Truth":
        """Reads a ``truth.json``, or the one in a folder.

        Raises:
            InputError: there is none.
        """
        file = path / TRUTH if path.is_dir() else path
        if not file.is_file():
            raise InputError(
                f"the truth is not known: expected the file {file}, which only a synthetic world has"
            )
        return cls.parse(json.loads(file.read_text(encoding="utf-8")))

    @classmethod
    def parse(cls, content: dict) -> "Truth":
        """From the parsed content of a ``truth.json``."""
        return cls(
            features=content["features"],
            kinds={item: entry["kind"] for item, entry in content["items"].items()},
            values={item: entry["values"] for item, entry in content["items"].items()},
            mean_ratings=content["ratings"]["mean"],
            noise_floor=content["ratings"]["noise_floor"],
        )

    def value(self, item: str, feature: str) -> str | None:
        """The item's value of this feature; None if items of its kind do not have the feature.

        Raises:
            InputError: the world has no such item.
        """
        if item not in self.values:
            raise InputError(
                f"the world has no item {item!r}: expected one of its {len(self.values)}, such as "
                f"{next(iter(self.values), None)!r}"
            )
        return self.values[item].get(feature)
