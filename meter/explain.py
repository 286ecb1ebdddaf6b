"""``python -m meter.explain``: explains a pair with a finished run, in the terminal and as a card."""

from dataclasses import dataclass, field
from pathlib import Path

from meter.errors import InputError
from meter.notebook import Explainer
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
    new_user: bool = False
    """Whether ``user`` is the name of one without a history: answered as the average user."""
    photos: list[str] = field(default_factory=list)
    """Photos of an item that the run does not know and nobody has reviewed; ``item`` is then its name."""
    output: str = ""
    """Where the card goes, without ending; by default ``<run>/explanations/<user>-<item>-<feature>``."""


def explain(config: ExplainConfig) -> None:
    """Shows one explanation in the terminal and saves its card as PNG and HTML."""
    from rich.console import Console

    for name in ("run", "user", "item"):
        if not getattr(config, name):
            raise InputError(
                f"{name}=… is missing: python -m meter.explain run=DIR user=U item=I [feature=F]"
            )
    explainer = Explainer(RunFolder(config.run))
    if config.new_user:
        explainer.add_user(config.user)
    if config.photos:
        explainer.add_item(config.item, list(config.photos))
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
