"""Which photo of an item suits a sentence best, by an image–text model (CLIP; Radford et al., 2021): an extra."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float16, UInt8

from meter.errors import InputError
from meter.progress import tracked
from meter.storage.growing_array import SCAFFOLD, GrowingRows
from meter.storage.stage import Stage, build_stage

if TYPE_CHECKING:
    from rich.console import Console

VECTORS = "vectors.npy"
_FORMAT = 1


@dataclass(kw_only=True, slots=True)
class ClipConfig:
    """The model that ``pairing=clip`` asks; its names are those of open_clip."""

    model: str = "ViT-B-32"
    """The network."""
    weights: str = "laion2b_s34b_b79k"
    """Its weights, which open_clip fetches where they are not on this machine, or a file of them."""
    batch_size: int = 64
    """Photos or sentences at once."""


@runtime_checkable
class ImageTextModel(Protocol):
    """Puts photos and sentences into one space of E dimensions, where what suits lies near by angle."""

    width: int
    """E."""

    def images(self, pixels: UInt8[np.ndarray, "B S S 3"]) -> Float[np.ndarray, "B E"]: ...

    def texts(self, sentences: list[str]) -> Float[np.ndarray, "B E"]: ...


@dataclass(kw_only=True, slots=True)
class Affinity:
    """Unit vectors of P photos and R sentences."""

    photos: Float16[np.ndarray, "P E"]
    sentences: Float16[np.ndarray, "R E"]

    def best(self, sentence: int, rows: Sequence[int]) -> int:
        """The photo among ``rows`` whose cosine with the sentence is highest; the first of several."""
        cosines = self.photos[list(rows)].astype(np.float32) @ self.sentences[sentence].astype(np.float32)
        return rows[int(cosines.argmax())]


def measure_affinity(
    pixels: UInt8[np.ndarray, "P S S 3"],
    photos_hash: str,
    sentences: Sequence[str],
    config: ClipConfig,
    cache: Path,
    open_model: Callable[[ClipConfig], ImageTextModel],
    console: "Console | None" = None,
) -> Affinity:
    """Encodes every photo and every sentence once and keeps the vectors as stages; the model is opened only if needed.

    Encoding that was killed goes on where it was.

    Raises InputError where the model cannot be opened.
    """
    opened: list[ImageTextModel] = []

    def model() -> ImageTextModel:
        if not opened:
            opened.append(open_model(config))
        return opened[0]

    said = hashlib.sha256("\n".join(sentences).encode()).hexdigest()
    sides = {
        "photos": (len(pixels), photos_hash, lambda chunk: model().images(np.asarray(pixels[chunk]))),
        "sentences": (len(sentences), said, lambda chunk: model().texts(list(sentences[chunk]))),
    }
    vectors = {
        name: np.load(
            _vectors_stage(cache, name, count, source, lambda: model().width, encode, config, console).folder
            / VECTORS,
            mmap_mode="r",
        )
        for name, (count, source, encode) in sides.items()
    }
    return Affinity(**vectors)


def open_clip_model(config: ClipConfig) -> ImageTextModel:
    """A model of open_clip. Raises InputError where the package or the weights are not there."""
    try:
        import open_clip  # pyright: ignore[reportMissingImports]
    except (ImportError, RuntimeError) as fault:
        raise InputError(
            f"dataset.pairing=clip needs the package open_clip_torch ({fault}): pip install 'meter-explain[clip]', "
            "or set dataset.pairing=label or item"
        ) from None
    return _OpenClip(open_clip, config)


class _OpenClip:
    def __init__(self, open_clip: Any, config: ClipConfig) -> None:
        import torch

        try:
            network, _, transform = open_clip.create_model_and_transforms(
                config.model, pretrained=config.weights
            )
        except (RuntimeError, OSError, ValueError) as fault:
            raise InputError(
                f"dataset.clip: {config.model} with the weights {config.weights} cannot be opened: "
                f"{str(fault).splitlines()[0]}"
            ) from fault
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.network = network.eval().to(self.device)
        self.transform, self.tokenize = transform, open_clip.get_tokenizer(config.model)
        self.width = self.texts([""]).shape[1]

    def images(self, pixels: UInt8[np.ndarray, "B S S 3"]) -> Float[np.ndarray, "B E"]:
        import torch
        from PIL import Image

        photos = torch.stack([self.transform(Image.fromarray(each)) for each in pixels])
        with torch.no_grad():
            return self.network.encode_image(photos.to(self.device)).float().cpu().numpy()

    def texts(self, sentences: list[str]) -> Float[np.ndarray, "B E"]:
        import torch

        with torch.no_grad():
            return self.network.encode_text(self.tokenize(sentences).to(self.device)).float().cpu().numpy()


def _vectors_stage(
    cache: Path,
    name: str,
    count: int,
    source: str,
    width: Callable[[], int],
    encode: Callable[[slice], Float[np.ndarray, "B E"]],
    config: ClipConfig,
    console: "Console | None",
) -> Stage:
    def build(folder: Path) -> dict[str, Any]:
        with GrowingRows(folder / VECTORS, (width(),), np.float16) as rows:
            starts = range(rows.taken, count, config.batch_size)
            total = -(-count // config.batch_size)
            for start in tracked(starts, f"clip: {name}", total, console, done=total - len(starts)):
                vectors = encode(slice(start, min(start + config.batch_size, count)))
                rows.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
        return {"count": count, "width": rows.shape[0]}

    return build_stage(
        cache,
        f"clip-{name}",
        version=_FORMAT,
        config={"model": config.model, "weights": config.weights},
        inputs={name: source},
        build=build,
        scaffold=SCAFFOLD,
    )
