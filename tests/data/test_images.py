import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from meter.data import Photo, Photos, read_photos
from meter.data.images import build_photos, decode_photo
from meter.data.pairing import Pairing, pair
from meter.data.readers.yelp import read_yelp_photos
from meter.data.reviews import Review
from meter.errors import InputError
from tests.conftest import REAL_DATA

needs_real_data = pytest.mark.skipif(not REAL_DATA.exists(), reason=f"no real data at {REAL_DATA}")

COLOURS = ((250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0))


def write_photos(folder: Path, photos: list[dict[str, str]]) -> list[Photo]:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for row, photo in enumerate(photos):
        Image.new("RGB", (40 + row, 30), COLOURS[row % 4]).save(folder / photo["file"])
    (folder / "images.jsonl").write_text("".join(json.dumps(photo) + "\n" for photo in photos))
    return read_photos(folder)


def photo(row: int, item: str = "i", **more: str) -> dict[str, str]:
    return {"item": item, "file": f"images/{row}.png", **more}


# --- The manifest


def test_manifest_is_read(tmp_path: Path) -> None:
    photos = write_photos(tmp_path, [photo(0, label="bed", caption="a bed"), photo(1, "j")])
    assert photos == [Photo("i", "images/0.png", "bed", "a bed"), Photo("j", "images/1.png", None, None)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"item": "i"}', r"images\.jsonl:1: no 'file'"),
        ('{"item": "i", "file": "a.png", "labels": "bed"}', "did you mean 'label'"),
        ('{"item": "i", "file": 3}', r"images\.jsonl:1: file must be a string"),
        ('{"item": "", "file": "a.png"}', r"images\.jsonl:1: item must be a string that is not empty"),
        ('{"item": "i", "file": "a.png", "label": 3}', r"images\.jsonl:1: label must be a string"),
        ("[]", r"images\.jsonl:1: expected a JSON object"),
        ('{"item"', r"images\.jsonl:1: expected one JSON object per line"),
        ('{"item": "i", "file": "../a.png"}', "lies outside the dataset's folder"),
        ('{"item": "i", "file": "images/../../a.png"}', "lies outside the dataset's folder"),
        ('{"item": "i", "file": "/etc/a.png"}', "lies outside the dataset's folder"),
        ("", "expected a JSON object"),
    ],
)
def test_faulty_manifest_is_refused_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "images.jsonl").write_text(line + "\n")
    with pytest.raises(InputError, match=message):
        read_photos(tmp_path)


def test_missing_or_empty_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^images\.jsonl is missing: expected it at"):
        read_photos(tmp_path)
    (tmp_path / "images.jsonl").write_text("")
    with pytest.raises(InputError, match="no photo is listed"):
        read_photos(tmp_path)


def test_yelp_manifest_names_the_files_by_photo(tmp_path: Path) -> None:
    line = {"photo_id": "p", "business_id": "b", "caption": "", "label": "food"}
    (tmp_path / "photos.json").write_text(json.dumps(line))
    assert read_yelp_photos(tmp_path) == [Photo("b", "photos/p.jpg", "food", None)]
    (tmp_path / "photos.json").write_text(json.dumps({**line, "photo_id": "../../p"}))
    with pytest.raises(InputError, match="outside"):
        read_yelp_photos(tmp_path)
    (tmp_path / "photos.json").write_text("[]\n")
    with pytest.raises(InputError, match=r"photos\.json:1: expected a JSON object, found list"):
        read_yelp_photos(tmp_path)


# --- Decoding


def test_middle_square_is_cut_and_resized(tmp_path: Path) -> None:
    wide = np.zeros((20, 60, 3), dtype=np.uint8)
    wide[:, 20:40] = (10, 200, 30)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    Image.fromarray(wide.transpose(1, 0, 2).copy()).save(tmp_path / "tall.png")
    for name in ("wide.png", "tall.png"):
        pixels = decode_photo(tmp_path / name, 8)
        assert pixels.shape == (8, 8, 3)
        assert pixels.dtype == np.uint8
        assert (pixels == (10, 200, 30)).all(), "nothing from beyond the square bleeds in"


def test_photo_is_turned_upright(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), dtype=np.uint8)
    pixels[:8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side: turn by 270 degrees
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    upright = decode_photo(tmp_path / "turned.png", 16)
    assert (upright[:, 8:] == 255).all()
    assert (upright[:, :8] == 0).all()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_every_colour_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    file = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new("RGB", (9, 9), (255, 255, 255)).convert(mode).save(file)
    assert (decode_photo(file, 4) == 255).all()


def test_large_jpeg_keeps_its_content(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(0, 255, 512)[None, :, None], 512, axis=0).repeat(3, axis=2).astype(np.uint8)
    Image.fromarray(ramp).save(tmp_path / "ramp.jpg", quality=95)
    expected = ramp.reshape(16, 32, 16, 32, 3).mean(axis=(1, 3))
    assert np.abs(decode_photo(tmp_path / "ramp.jpg", 16) - expected).max() < 4


# --- The stage


def test_stage_holds_every_photo_in_order(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "raw", [photo(row, f"i{row % 3}", label="x") for row in range(200)])
    stage = build_photos(photos, tmp_path / "raw", tmp_path / "cache", image_size=4)
    opened = Photos.open(stage.folder)
    assert opened.pixels.shape == (200, 4, 4, 3)
    for row in range(200):
        assert (opened.pixels[row] == COLOURS[row % 4]).all()
    assert opened.entries[7] == {"item": "i1", "file": "images/7.png", "label": "x", "caption": None}
    assert opened.hash == stage.hash
    assert stage.summary == {
        "photos": {"read": 200, "kept": 200, "dropped": {}},
        "items": 3,
        "labels": {"x": 200},
    }


def test_broken_photos_stop_or_are_counted(tmp_path: Path) -> None:
    raw, cache = tmp_path / "raw", tmp_path / "cache"
    photos = write_photos(raw, [photo(row) for row in range(12)])
    for row, content in ((1, b""), (4, (raw / "images/4.png").read_bytes()[:-30]), (5, b"no picture")):
        (raw / f"images/{row}.png").write_bytes(content)
    (raw / "images/9.png").unlink()
    with pytest.raises(
        InputError, match=r"photo .*images/1\.png cannot be decoded .*skip_broken_photos=true"
    ) as fault:
        build_photos(photos, raw, cache, image_size=4)
    assert "\n" not in str(fault.value)
    stage = build_photos(photos, raw, cache, image_size=4, skip_broken=True)
    opened = Photos.open(stage.folder)
    assert stage.summary["photos"]["kept"] == len(opened.entries) == len(opened.pixels) == 8
    assert stage.summary["photos"]["dropped"]["missing or damaged"]["count"] == 4
    assert stage.summary["photos"]["dropped"]["missing or damaged"]["first"].endswith("1.png")
    for pixels, row in zip(opened.pixels, (0, 2, 3, 6, 7, 8, 10, 11), strict=True):
        assert (pixels == COLOURS[row % 4]).all()


def test_missing_photo_is_named(tmp_path: Path) -> None:
    photos = write_photos(tmp_path, [photo(0)])
    (tmp_path / "images/0.png").unlink()
    with pytest.raises(InputError, match=r"images/0\.png is missing"):
        build_photos(photos, tmp_path, tmp_path / "cache", image_size=4)
    with pytest.raises(InputError, match="none of its 1 photos can be decoded"):
        build_photos(photos, tmp_path, tmp_path / "cache", image_size=4, skip_broken=True)


def test_stage_is_reused_until_a_photo_changes(tmp_path: Path) -> None:
    photos = write_photos(tmp_path, [photo(0), photo(1)])
    first = build_photos(photos, tmp_path, tmp_path / "cache", image_size=4)
    written = (first.folder / "pixels.npy").stat().st_mtime_ns
    again = build_photos(photos, tmp_path, tmp_path / "cache", image_size=4)
    assert (again.folder, (again.folder / "pixels.npy").stat().st_mtime_ns) == (first.folder, written)
    assert build_photos(photos, tmp_path, tmp_path / "cache", image_size=5).hash != first.hash
    Image.new("RGB", (300, 300), (1, 2, 3)).save(tmp_path / "images/1.png")
    changed = build_photos(photos, tmp_path, tmp_path / "cache", image_size=4)
    assert (Photos.open(changed.folder).pixels[1] == (1, 2, 3)).all()


# --- Pairing

ROWS = [
    {"item": "i", "file": "a", "label": "bed", "caption": None},
    {"item": "i", "file": "b", "label": "bath", "caption": None},
    {"item": "j", "file": "c", "label": "bed", "caption": None},
    {"item": "i", "file": "d", "label": "bed", "caption": None},
]
DEFAULTS = {"pairing": Pairing.item, "labels": {}, "label_fallback": True, "skip_broken": False, "seed": 0}


def review(item: str = "i", feature: str | None = None, *images: str) -> Review:
    return Review("u", item, 3.0, "a", feature, images)


def test_reviews_of_an_item_take_its_photos_in_turn() -> None:
    paired = pair([review()] * 7 + [review("j")] * 2 + [review("k")], ROWS, **DEFAULTS)
    first_turn = list(paired.photos[:3])
    assert sorted(first_turn) == [0, 1, 3]
    assert list(paired.photos[3:7]) == [*first_turn, first_turn[0]]
    assert list(paired.photos[7:]) == [2, 2, -1]
    assert paired.counts == {"any photo of the item": 9, "no photo: the item has none": 1}


def test_seed_shuffles_the_photos_of_each_item_by_itself() -> None:
    reviews = [review()] * 3
    rows = [ROWS[0] | {"file": str(row)} for row in range(8)]
    orders = {tuple(pair([review()] * 8, rows, **DEFAULTS | {"seed": seed}).photos) for seed in range(6)}
    assert len(orders) > 1
    alone = [row for row in ROWS if row["item"] == "i"]
    with_j = pair(reviews, ROWS, **DEFAULTS).photos
    without_j = pair(reviews, alone, **DEFAULTS).photos
    assert [ROWS[row]["file"] for row in with_j] == [alone[row]["file"] for row in without_j]


def test_label_pairing_prefers_the_label_then_falls_back() -> None:
    settings = DEFAULTS | {"pairing": Pairing.label, "labels": {"pillow": "bed", "tub": "bath"}}
    reviews = [
        review("i", "tub"),
        review("i", "pillow"),
        review("i", "pillow"),
        review("j", "tub"),
        review("j", "staff"),
    ]
    paired = pair(reviews, ROWS, **settings)
    assert paired.photos[0] == 1
    assert sorted(paired.photos[1:3]) == [0, 3]
    assert list(paired.photos[3:]) == [2, 2]
    assert paired.counts == {
        "by label": 3,
        "any photo of the item: the item has no photo of the label": 1,
        "any photo of the item: the feature has no label": 1,
    }
    strict = pair(reviews, ROWS, **settings | {"label_fallback": False})
    assert list(strict.photos[3:]) == [-1, -1]
    assert strict.counts == {
        "by label": 3,
        "no photo: the item has no photo of the label": 1,
        "no photo: the feature has no label": 1,
    }


def test_a_caption_that_names_the_feature_comes_before_the_label() -> None:
    captions = ["the big Bed!", None, "bedding", "bunk bed, window"]
    rows = [row | {"caption": caption} for row, caption in zip(ROWS, captions, strict=True)]
    settings = DEFAULTS | {
        "pairing": Pairing.label,
        "labels": {"bed": "bath", "tub": "bath", "bunk bed": "bath"},
    }
    reviews = [
        review("i", "bed"),
        review("i", "bed"),
        review("i", "bunk bed"),
        review("i", "tub"),
        review("j", "bed"),
    ]
    paired = pair(reviews, rows, **settings | {"label_fallback": False})
    assert sorted(paired.photos[:2]) == [0, 3], "both that name a bed, in turn"
    assert list(paired.photos[2:]) == [3, 1, -1], "bedding is no bed"
    assert paired.counts == {
        "by caption": 3,
        "by label": 1,
        "no photo: the item has no photo of the label": 1,
    }
    anyhow = pair(reviews, rows, **DEFAULTS)
    assert set(anyhow.counts) == {"any photo of the item"}, "pairing=item reads no captions"


def test_photo_named_by_the_review_wins() -> None:
    labels = DEFAULTS | {"pairing": Pairing.label, "labels": {"pillow": "bed"}}
    for settings in (DEFAULTS, labels):
        paired = pair([review("i", "pillow", "b")], ROWS, **settings)
        assert list(paired.photos) == [1]
        assert paired.counts == {"named by the review": 1}
    with pytest.raises(InputError, match="names the photo 'z', which the photo manifest does not list"):
        pair([review("i", None, "z")], ROWS, **DEFAULTS)
    skipped = pair([review("i", None, "z")], ROWS, **DEFAULTS | {"skip_broken": True})
    assert skipped.counts == {"any photo of the item": 1}


def test_label_map_is_checked() -> None:
    with pytest.raises(InputError, match=r"dataset\.pairing=label needs dataset\.labels"):
        pair([review()], ROWS, **DEFAULTS | {"pairing": Pairing.label})
    with pytest.raises(InputError, match=r"'pillow' is mapped to 'bet', .* the photos have bath, bed"):
        pair([review()], ROWS, **DEFAULTS | {"pairing": Pairing.label, "labels": {"pillow": "bet"}})
    with pytest.raises(InputError, match=r"'sink' is mapped to 'baths', .* did you mean 'bath'\?"):
        pair(
            [review()],
            ROWS,
            **DEFAULTS | {"pairing": Pairing.label, "labels": {"tub": "bath", "sink": "baths"}},
        )
    some = {"tub": "bath", "lobby": "hall"}  # a part of the data may have no photo of a hall
    assert pair([review()], ROWS, **DEFAULTS | {"pairing": Pairing.label, "labels": some}).photos[0] >= 0


def test_photos_of_a_set_suit_its_records_equally_well() -> None:
    settings = DEFAULTS | {"pairing": Pairing.label, "labels": {"pillow": "bed"}}
    reviews = [
        review("i", "pillow"),
        review("i", None, "b", "d"),
        review("i", "pillow"),
        review("i", None, "b", "d"),
        review("k"),
        review("j"),
    ]
    paired = pair(reviews, ROWS, **settings)
    assert list(paired.photos[[1, 3]]) == [1, 3], "photos that a review names are taken in turn"
    drawn = [
        paired.sets.draw(paired.set_of_record, np.random.default_rng(seed)).tolist() for seed in range(20)
    ]
    suiting = [set(column) for column in zip(*drawn, strict=True)]
    assert suiting == [{0, 3}, {1, 3}, {0, 3}, {1, 3}, {-1}, {2}]
    nothing = pair([review("k")], ROWS, **DEFAULTS)
    assert nothing.sets.draw(nothing.set_of_record, np.random.default_rng(0)).tolist() == [-1]


@needs_real_data
def test_real_photos_are_decoded(tmp_path: Path) -> None:
    photos = read_photos(REAL_DATA / "tripadvisor")
    assert len(photos) == 5_740
    stage = build_photos(photos[:24], REAL_DATA / "tripadvisor", tmp_path, image_size=16)
    pixels = Photos.open(stage.folder).pixels
    assert len(pixels) == 24
    assert pixels.std(axis=(1, 2, 3)).min() > 5
    assert len(read_yelp_photos(REAL_DATA / "yelp")) == 509
