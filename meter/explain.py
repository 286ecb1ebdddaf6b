"""Explains a pair with a finished run: the notebook's face, and ``python -m meter.explain``."""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor, nn

from meter.errors import InputError
from meter.evaluate.generate import explain_pairs
from meter.evaluate.likeliest_feature import likeliest_feature
from meter.evaluate.network_inputs import encode_words
from meter.model import Meter
from meter.report import Card
from meter.run_folder import RunFolder
from meter.special_words import PAD
from meter.train.devices import DeviceConfig, make_fabric
from meter.vq import pixels_from_images

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Network = TypeVar("Network", bound=nn.Module)


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
    """A run, opened: ``run.explain(user=…, item=…, feature=…)`` gives a card that shows itself in a notebook.

    It generates exactly as the run's evaluation did: by the run's decoding, and in the precision that the run recorded.
    """

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

    @cached_property
    def fabric(self) -> "Fabric":
        """The run's precision, on the run's kind of device where this machine has one."""
        accelerator = "cpu" if self.run.config.device.accelerator == "cpu" else "auto"
        return make_fabric(DeviceConfig(accelerator=accelerator, precision=self.run.manifest["precision"]))

    def explain(self, *, user: str, item: str, feature: str | None = None) -> Card:
        """Predicts the rating, writes the sentence and draws the picture.

        feature: what to speak of; None takes the feature word that the context head finds likeliest for the pair.
        Raises InputError for a name the run does not know, with the nearest it does; and for no feature where the run
        has no context head to choose it.
        """
        run = self.run
        model = self._on_device(run.model)
        users, items = self._index(user, self._users, "user"), self._index(item, self._items, "item")
        features = None
        if model.has_feature and self.features:
            known = {name: run.vocabulary.index[name] for name in self.features}
            if feature is None:
                if not isinstance(model, Meter):
                    raise InputError(
                        f"feature=… is missing: {run.config.name} does not say which is likeliest; it knows "
                        f"{', '.join(self.features[:5])} …"
                    )
                numbers = torch.tensor(list(known.values()), device=self.fabric.device)
                feature = list(known)[likeliest_feature(model, users, items, numbers, fabric=self.fabric)]
            features = self._index(feature, known, "feature")
        elif feature is not None:
            raise InputError(f"this run was trained without feature words; leave feature={feature} out")
        elif model.has_feature:  # the dataset has no feature words
            features = torch.tensor([PAD], device=self.fabric.device)
        (explained,) = explain_pairs(
            model,
            run.vocabulary,
            users,
            items,
            features,
            fabric=self.fabric,
            decoding=run.config.evaluation.decoding,
            generator=torch.Generator().manual_seed(run.config.seed),
        )
        return Card(
            user=user,
            item=item,
            feature=feature,
            rating=explained.predicted_rating,
            text=explained.text,
            context=explained.context,
            image=self._decode(explained.codes),
            image_source=model.image_source,
            match=self._match(explained.text, explained.codes, features),
            matcher_auc=run.matcher.auc if run.matcher else None,
            best_rating=round(run.names.highest_rating),
        )

    def _index(self, name: str, known: dict[str, int], kind: str) -> Int[Tensor, " 1"]:
        """The row of a name, as the model takes it."""
        if name in known:
            return torch.tensor([known[name]], device=self.fabric.device)
        near = get_close_matches(name, known, n=3, cutoff=0.3)
        hint = f"; near are {', '.join(near)}" if near else f"; it knows {', '.join(list(known)[:5])} …"
        raise InputError(f"the run does not know the {kind} {name!r}{hint}")

    @torch.no_grad()
    def _decode(self, codes: list[int] | None) -> UInt8[np.ndarray, "S S 3"] | None:
        """The picture that codes stand for."""
        if codes is None or self.run.vq is None:
            return None
        images = self._on_device(self.run.vq).decode(torch.tensor([codes], device=self.fabric.device))
        return pixels_from_images(images)[0]

    @torch.no_grad()
    def _match(self, text: str, codes: list[int] | None, features: Int[Tensor, " 1"] | None) -> float | None:
        """How well the matcher finds that sentence and picture go together; None where it cannot tell."""
        if codes is None or self.run.matcher is None or not self.run.matcher.above_chance:
            return None
        words = encode_words([text], self.run.vocabulary, self.run.model.config.text_length + 1)
        asked = None if features is None else features.cpu()
        return float(self.run.matcher.match(words, torch.tensor([codes]), asked)[0])

    def _on_device(self, network: Network) -> Network:
        self.fabric.to_device(network)
        return network


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
    stem = Path(config.output) if config.output else RunFolder(config.run).explanations_folder / name
    stem.parent.mkdir(parents=True, exist_ok=True)
    for ending in (".png", ".html"):
        console.print(f"card: {card.save(stem.with_name(stem.name + ending))}")


if __name__ == "__main__":
    from meter.cli import command

    command(explain, ExplainConfig, "explain")
