"""Arrays that grow on disk: what comes back after a kill at any moment."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image

import meter.data.images
import meter.train.vqgan.stages
from meter.data.images import build_photos
from meter.data.readers.photos import Photo
from meter.storage.growing_array import ROWS_AT_RISK, TEMPORARY, GrowingArray
from meter.train.vqgan import encode_photos_stage
from meter.vq import VQGAN, VQConfig, encode_photos

INPUTS = np.arange(3000 * 2, dtype=np.int32).reshape(3000, 2)


def test_whole_array(tmp_path: Path) -> None:
    with GrowingArray(tmp_path / "a.npy", (2,), np.int32) as rows:
        assert rows.taken == 0
        for start in range(0, 3000, 7):
            rows.append(INPUTS[start : start + 7])
    assert np.array_equal(np.load(tmp_path / "a.npy"), INPUTS)
    assert np.array_equal(np.load(tmp_path / "a.npy", mmap_mode="r"), INPUTS)


def test_dropped_inputs_give_no_row(tmp_path: Path) -> None:
    with GrowingArray(tmp_path / "a.npy", (2,), np.int32) as rows:
        rows.append(INPUTS[:1])
        rows.append(INPUTS[:0], dropped=[1])
        rows.append(INPUTS[2:4], dropped=[4])
        assert (rows.taken, len(rows), rows.dropped) == (5, 3, [1, 4])
    assert np.array_equal(np.load(tmp_path / "a.npy"), INPUTS[[0, 2, 3]])


@pytest.mark.parametrize("torn", ["", "rows", "journal", "both"])
def test_killed_and_gone_on_with(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "a.npy"
    killed = GrowingArray(path, (2,), np.int32)
    for start in range(0, 2100, 3):
        dropped = [start] if start % 300 == 0 else []
        killed.append(INPUTS[start + len(dropped) : start + 3], dropped=dropped)
    # A kill: nothing is closed in an orderly way, and the last writes may have come through in part.
    if torn in ("rows", "both"):
        killed.file.write(b"\x01\x02\x03")
    killed.file.close()
    if torn in ("journal", "both"):
        with killed.journal.path.open("a") as journal:
            journal.write('{"taken": 3')
    with GrowingArray(path, (2,), np.int32) as rows:
        assert 2100 - ROWS_AT_RISK <= rows.taken <= 2100
        assert rows.dropped == list(range(0, rows.taken, 300))
        for start in range(rows.taken, 3000, 3):
            dropped = [start] if start % 300 == 0 else []
            rows.append(INPUTS[start + len(dropped) : start + 3], dropped=dropped)
    kept = np.arange(3000) % 300 != 0
    assert np.array_equal(np.load(path), INPUTS[kept])


def test_decoding_of_photos_goes_on_where_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [Photo("i", f"{number}.png", "x") for number in range(2000)]
    for number in range(8):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(tmp_path / f"{number}.png")
    for number in range(8, 2000):
        (tmp_path / f"{number}.png").hardlink_to(tmp_path / f"{number % 8}.png")
    for number in (5, 1500):
        (tmp_path / f"{number}.png").unlink()
        (tmp_path / f"{number}.png").write_bytes(b"torn")
    once = build_photos(photos, tmp_path, tmp_path / "once", image_size=4, skip_broken=True)

    decoded = 0

    def counted(path: Path, image_size: int) -> np.ndarray:
        nonlocal decoded
        decoded += 1
        if decoded == 1800:
            raise KeyboardInterrupt
        return decode(path, image_size)

    decode = meter.data.images.decode_photo
    monkeypatch.setattr(meter.data.images, "decode_photo", counted)
    with pytest.raises(KeyboardInterrupt):
        build_photos(photos, tmp_path, tmp_path / "twice", image_size=4, skip_broken=True)
    twice = build_photos(photos, tmp_path, tmp_path / "twice", image_size=4, skip_broken=True)
    assert decoded < 2000 + ROWS_AT_RISK
    assert not (twice.folder / TEMPORARY).exists()
    assert twice.summary == once.summary
    assert twice.summary["photos"]["dropped"]["missing or damaged"]["count"] == 2
    for name in ("pixels.npy", "photos.json"):
        assert (twice.folder / name).read_bytes() == (once.folder / name).read_bytes()


def test_encoding_of_photos_goes_on_where_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"image_size": 4, "patch": 2, "channels": 32, "multipliers": [1], "num_residual_blocks": 1}
    torch.manual_seed(0)
    vq = VQGAN(VQConfig(**sizes, attention_sizes=[], latent_width=32, num_codes=16, code_width=8))
    vq.save_pretrained(tmp_path / "vq")
    stage = meter.train.vqgan.stages.Stage(folder=tmp_path / "vq", hash="vq-hash", summary={})
    pixels = np.random.default_rng(0).integers(0, 256, (1500, 4, 4, 3), dtype=np.uint8)
    fabric = Fabric(accelerator="cpu", devices=1)

    starts = []

    def killed(*given: object, start: int = 0, **named: object) -> Iterator[np.ndarray]:
        starts.append(start)
        for number, codes in enumerate(batches(*given, start=start, **named)):  # pyright: ignore
            if len(starts) == 1 and number == 20:
                raise KeyboardInterrupt
            yield codes

    batches = meter.train.vqgan.stages.batches_of_codes
    monkeypatch.setattr(meter.train.vqgan.stages, "batches_of_codes", killed)
    with pytest.raises(KeyboardInterrupt):
        encode_photos_stage(pixels, "photos-hash", stage, tmp_path, fabric)
    done = encode_photos_stage(pixels, "photos-hash", stage, tmp_path, fabric)
    assert starts == [0, 20 * 64]
    codes = encode_photos(vq.eval(), pixels)
    assert np.array_equal(np.load(done.folder / "codes.npy"), codes)
    assert done.summary["usage"] == len(np.unique(codes)) / 16
