"""Explains a pair with a finished run: the notebook's face, and ``python -m meter.explain``."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from meter.errors import InputError
from meter.report import Card
from meter.run_folder import RunFolder


@dataclass(kw_only=True, slots=True)
class ExplainConfig:
    """Which pair to explain."""

    run: str = ""
    """The run folder."""
    user: str = ""
    """A user of the dataset."""
    item: str = ""
    """An item of the dataset."""
    feature: str = ""
    """The feature word to speak of; the likeliest one where it is left out."""
    output: str = ""
    """Where the card goes, without ending; by default ``<run>/explanations/<user>-<item>-<feature>``."""


class Explainer:
    """A run, opened: ``run.explain(user=…, item=…, feature=…)`` gives a card that shows itself in a notebook."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._users = {name: row for row, name in enumerate(run.names.users)}
        self._items = {name: row for row, name in enumerate(run.names.items)}

    @property
    def users(self) -> list[str]:
        """The users it knows."""
        return self.run.names.users

    @property
    def items(self) -> list[str]:
        """The items it knows."""
        return self.run.names.items

    @property
    def features(self) -> list[str]:
        """The feature words it knows."""
        return self.run.names.features

    def explain(self, *, user: str, item: str, feature: str | None = None) -> Card:
        """Predicts the rating, writes the sentence and draws the picture.

        feature: what to speak of; None takes the feature word that the context head finds likeliest for the pair.
        Raises InputError for a name the run does not know, with the nearest it does.
        """
        model, vocabulary = self.run.model, self.run.vocabulary
        users = torch.tensor([_find(user, self._users, "user")])
        items = torch.tensor([_find(item, self._items, "item")])
        features = None
        if model.config.has_feature:
            feature = self.likeliest_feature(users, items) if feature is None else feature
            known = {name: vocabulary.index[name] for name in self.features}
            features = torch.tensor([_find(feature, known, "feature")])
        elif feature is not None:
            raise InputError(f"this run was trained without feature words; leave feature={feature} out")
        done = model.generate(users, items, features)
        return Card(
            user=user,
            item=item,
            feature=feature,
            rating=float(done.rating[0]),
            text=" ".join(vocabulary.decode(done.words[0].tolist())),
            context=vocabulary.decode(done.context[0].tolist()),
            image=self._draw(done.codes),
            match=self._match(done.words, done.codes),
            best_rating=round(self.run.names.highest_rating),
        )

    def likeliest_feature(self, users: Tensor, items: Tensor) -> str:
        """The feature word with the highest context probability; the context does not see the feature itself."""
        model, vocabulary = self.run.model, self.run.vocabulary
        rows = [vocabulary.index[name] for name in self.features]
        words = torch.full((1, model.config.text_length + 1), 0)
        with torch.no_grad():
            context = model(users, items, torch.tensor([rows[0]]), words).context[0]
        return self.features[int(context[rows].argmax())]

    @torch.no_grad()
    def _draw(self, codes: Tensor | None) -> UInt8[np.ndarray, "S S 3"] | None:
        if codes is None or self.run.vq is None:
            return None
        from meter.vq import pixels_from_images

        return pixels_from_images(self.run.vq.decode(codes))[0]

    @torch.no_grad()
    def _match(self, words: Tensor, codes: Tensor | None) -> float | None:
        if codes is None or self.run.matcher is None:
            return None
        return float(self.run.matcher.match(words, codes)[0])


def _find(name: str, known: dict[str, int], what: str) -> int:
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=3, cutoff=0.3)
    hint = f"; near are {', '.join(near)}" if near else f"; it knows {', '.join(list(known)[:5])} …"
    raise InputError(f"the run does not know the {what} {name!r}{hint}")


def explain(config: ExplainConfig) -> None:
    """Shows one explanation in the terminal and saves its card as PNG and HTML."""
    from rich.console import Console

    for name in ("run", "user", "item"):
        if not getattr(config, name):
            raise InputError(
                f"{name}=… is missing: python -m meter.explain run=DIR user=U item=I [feature=F]"
            )
    explainer = Explainer(RunFolder(config.run))
    card = explainer.explain(user=config.user, item=config.item, feature=config.feature or None)
    console = Console()
    console.print(card)
    name = "-".join(part.replace("/", "_") for part in (card.user, card.item, card.feature) if part)
    stem = Path(config.output) if config.output else Path(config.run) / "explanations" / name
    stem.parent.mkdir(parents=True, exist_ok=True)
    for ending in (".png", ".html"):
        console.print(f"card: {card.save(stem.with_name(stem.name + ending))}")


if __name__ == "__main__":
    from meter.cli import command

    command(explain, ExplainConfig, "explain")
