"""python -m meter.vq dataset=…: VQ-GAN pretraining only."""

from meter.cli import command
from meter.config import RunConfig
from meter.pipeline import Run
from meter.signals import listen
from meter.train.devices import launched


def see(config: RunConfig) -> None:
    """Prepares the photos and pretrains the VQ-GAN, or finds it."""
    with launched(config.device) as fabric, listen() as stop:
        way = Run(config, fabric)
        visual = way.see(way.prepare(), stop)
    if visual is not None:
        way.console.print(f"VQ-GAN: [bold]{visual.stage.folder}[/bold]")


if __name__ == "__main__":
    command(see, RunConfig, "train")
