"""The steps from raw files to numbers, each as its command takes it."""

from pathlib import Path

from meter.data.dataset import DatasetConfig, Format, read_manifest
from meter.data.images import build_photos
from meter.data.pairing import Pairing
from meter.data.prepared import prepare

from .files import Size

IMAGE_SIZE = 32


def dataset_config(folder: Path, size: Size) -> DatasetConfig:
    """How the made-up files are read: photos by label, everything else by default."""
    return DatasetConfig(
        name=size.name,
        format=Format(size.format),
        root=str(folder),
        image_size=IMAGE_SIZE,
        pairing=Pairing.label,
        labels={"babathing": "food", "babething": "inside"},
    )


def decode(folder: Path, size: Size, cache: Path) -> None:
    """The stage of the photos: every one opened, cut and resized."""
    build_photos(read_manifest(dataset_config(folder, size), folder), folder, cache, image_size=IMAGE_SIZE)


def read(folder: Path, size: Size, cache: Path) -> None:
    """The stage of the reviews: read, checked, split, paired and numbered. The photos are there already."""
    prepare(dataset_config(folder, size), cache, seed=0)


def encode(folder: Path, size: Size, cache: Path) -> None:
    """The stage of the codes, by an untrained VQ-GAN that is small: what is measured is the way, not the network."""
    from lightning_fabric import Fabric

    from meter.storage.stage import Stage
    from meter.train.vqgan import encode_photos_stage
    from meter.vq import VQGAN, VQConfig

    prepared = prepare(dataset_config(folder, size), cache, seed=0)
    assert prepared.photos is not None
    sizes = {"image_size": IMAGE_SIZE, "patch": 4, "channels": 32, "multipliers": [1, 1, 1]}
    vq = VQGAN(VQConfig(**sizes, num_residual_blocks=1, attention_sizes=[], latent_width=32, code_width=32))
    vq.save_pretrained(cache / "vq")
    stage = Stage(folder=cache / "vq", hash="untrained", summary={})
    fabric = Fabric(accelerator="cpu", devices=1)
    encode_photos_stage(prepared.photos.pixels, prepared.photos.hash, stage, cache, fabric)


STEPS = {"photos": decode, "reviews": read, "codes": encode}
