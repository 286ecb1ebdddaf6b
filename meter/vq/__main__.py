"""python -m meter.vq dataset=…: VQ-GAN pretraining only."""

from meter.cli import command
from meter.config import RunConfig
from meter.pipeline import Pipeline
from meter.signals import listen
from meter.train.devices import launched


def train_vqgan(config: RunConfig) -> None:
    """Prepares the photos and pretrains the VQ-GAN, or finds it."""
    with launched(config.device) as fabric, listen() as stop:
        pipeline = Pipeline(config, fabric)
        visual = pipeline.train_vqgan(pipeline.prepare(), stop)
    if visual is not None:
        pipeline.console.print(f"VQ-GAN: [bold]{visual.stage.folder}[/bold]")


if __name__ == "__main__":
    command(train_vqgan, RunConfig, "train")
