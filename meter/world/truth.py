"""The truth of a world: the values that its items offer, what every photo shows and every review says, and the lowest
possible error of predicted ratings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meter.errors import InputError

TRUTH = "truth.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """The content of a world's ``truth.json``.

    features: kind -> feature word -> its canonical values.
    visit_features: those whose value belongs to the visit, since items offer several.
    kinds: item -> kind.
    values: item -> feature word -> the values that are possible there; a single one except for visit features.
    shows: file of a photo -> feature word -> value, for all features that the photo shows.
    said: the value that each line of ``reviews.jsonl`` says of its feature.
    mean_ratings: E[rating | user, item] for each line of ``reviews.jsonl``, in stars.
    noise_floor: split -> expected RMSE of those means; no model can do better.
    """

    features: Mapping[str, Mapping[str, Sequence[str]]]
    visit_features: Sequence[str]
    kinds: Mapping[str, str]
    values: Mapping[str, Mapping[str, Sequence[str]]]
    shows: Mapping[str, Mapping[str, str]]
    said: Sequence[str]
    mean_ratings: Sequence[float]
    noise_floor: Mapping[str, float]

    @classmethod
    def load(cls, path: Path) -> "Truth":
        """Reads a ``truth.json``, or the one in a folder.

        Raises:
            InputError: there is none, or a part of it is missing.
        """
        file = path / TRUTH if path.is_dir() else path
        if not file.is_file():
            raise InputError(
                f"the truth is not known: expected the file {file}, which only a synthetic world has"
            )
        try:
            return cls.parse(json.loads(file.read_text(encoding="utf-8")))
        except KeyError as missing:
            raise InputError(
                f"{file}: expected the truth of a world with {missing}, found none; an older version wrote it, so make "
                "the world anew"
            ) from missing

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> "Truth":
        """From the parsed content of a ``truth.json``."""
        return cls(
            features=content["features"],
            visit_features=content["visit_features"],
            kinds={item: entry["kind"] for item, entry in content["items"].items()},
            values={item: entry["values"] for item, entry in content["items"].items()},
            shows=content["photos"],
            said=content["reviews"]["said"],
            mean_ratings=content["ratings"]["mean"],
            noise_floor=content["ratings"]["noise_floor"],
        )

    def save(self, folder: Path) -> None:
        """Writes ``truth.json`` into the folder."""
        content = {
            "features": self.features,
            "visit_features": self.visit_features,
            "items": {item: {"kind": kind, "values": self.values[item]} for item, kind in self.kinds.items()},
            "photos": self.shows,
            "reviews": {"said": self.said},
            "ratings": {"mean": self.mean_ratings, "noise_floor": self.noise_floor},
        }
        (folder / TRUTH).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def possible(self, item: str, feature: str) -> Sequence[str]:
        """The item's possible values of this feature; none if items of its kind do not have the feature.

        Raises:
            InputError: the world has no such item.
        """
        if item not in self.values:
            raise InputError(
                f"the world has no item {item!r}: expected one of its {len(self.values)}, such as "
                f"{next(iter(self.values), None)!r}"
            )
        return self.values[item].get(feature, [])

    @property
    def num_values(self) -> dict[str, int]:
        """Feature word -> how many values it has in this world."""
        return {
            feature: len(values)
            for features in self.features.values()
            for feature, values in features.items()
        }
