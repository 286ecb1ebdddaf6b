"""The control in which items exchange their photos: nothing but photos changes, and no item keeps one of its own."""

from pathlib import Path

import numpy as np
import pytest

from meter.data import DatasetConfig, prepare
from meter.data.pairing import Pairing, pair
from meter.data.reviews import Review
from meter.data.shuffling import shuffle_photos
from meter.errors import InputError
from meter.world import WorldConfig

PHOTOS = [
    {"item": item, "file": f"{item}-{label}", "label": label}
    for item in ("a", "b", "c", "unreviewed")
    for label in ("bed", "view", "bed 2")
]


def review(item: str, *images: str) -> Review:
    return Review("u", item, 3.0, "fine", None, images)


@pytest.mark.parametrize("seed", range(5))
def test_items_exchange_all_their_photos(seed: int) -> None:
    records = [review("a"), review("b"), review("c"), review("without photos")]
    shuffled = shuffle_photos(records, PHOTOS, seed)
    owners = {
        before["item"]: {
            after["item"] for old, after in zip(PHOTOS, shuffled.photos, strict=True) if old is before
        }
        for before in PHOTOS
    }
    new = {photo["item"]: after["item"] for photo, after in zip(PHOTOS, shuffled.photos, strict=True)}
    assert all(len(items) == 1 for items in owners.values())
    assert all(new[item] != item for item in "abc")
    assert {new[item] for item in "abc"} == set("abc")
    assert new["unreviewed"] == "unreviewed"
    assert [after | {"item": None} for after in shuffled.photos] == [old | {"item": None} for old in PHOTOS]
    assert shuffled.records == records


def test_a_named_photo_becomes_those_of_the_other_item_that_show_the_like() -> None:
    records = [
        review("a", "a-bed"),
        review("b", "b-view", "b-bed"),
        review("c", "c-view"),
        review("x", "a-bed"),
    ]
    photos = [photo for photo in PHOTOS if photo["file"] != "b-view"]  # whoever gets b's photos has no view
    shuffled = shuffle_photos(records, [*photos, {"item": "b", "file": "b-view", "label": "door"}], 0)
    owner = {str(photo["file"]): photo["item"] for photo in shuffled.photos}
    labels = {str(photo["file"]): photo["label"] for photo in shuffled.photos}
    for before, after in zip(records[:3], shuffled.records[:3], strict=True):
        assert {owner[file] for file in after.images} == {before.item}
        found, asked = ({labels[file] for file in images} for images in (after.images, before.images))
        assert found <= asked or not found & asked
        assert after.images
    assert shuffled.records[3].images == ()


def test_a_photo_that_does_not_exist_is_refused_as_ever() -> None:
    shuffled = shuffle_photos([review("a", "nowhere", "a-bed"), review("b")], PHOTOS, 0)
    settings = {"pairing": Pairing.item, "labels": {}, "label_fallback": True, "seed": 0}
    photos = [photo | {"caption": None} for photo in shuffled.photos]
    with pytest.raises(InputError, match="names the photo 'nowhere'"):
        pair(shuffled.records, photos, skip_broken=False, **settings)
    paired = pair(shuffled.records, photos, skip_broken=True, **settings)
    assert PHOTOS[paired.photos[0]]["item"] == "b"


def test_one_item_has_nobody_to_exchange_with() -> None:
    with pytest.raises(
        InputError, match=r"shuffle_photos=true: expected two items .* found 1; set it to false"
    ):
        shuffle_photos([review("a"), review("x")], PHOTOS, 0)


def test_only_the_photos_of_a_prepared_world_change(tmp_path: Path) -> None:
    world = WorldConfig(num_hotels=4, num_restaurants=4, num_users=16, reviews_per_item=8, photos_per_item=2)
    config = DatasetConfig(image_size=32, world=world)
    plain = prepare(config, tmp_path, 0)
    config.shuffle_photos = True
    shuffled = prepare(config, tmp_path, 0)
    assert shuffled.stage.hash != plain.stage.hash
    for file in plain.folder.glob("*"):
        about_photos = file.stem in ("photos", "photo_sets", "set_offsets", "set_members", "manifest")
        assert about_photos or file.read_bytes() == (shuffled.folder / file.name).read_bytes(), file.name
    assert shuffled.photos is not None
    entries, records = shuffled.photos.entries, shuffled.records
    shown = {item: set() for item in shuffled.items}
    for item, photo, number in zip(records.items, records.photos, records.photo_sets, strict=True):
        sets = shuffled.photo_sets
        suiting = sets.members[sets.offsets[number] : sets.offsets[number + 1]]
        assert photo in suiting
        shown[shuffled.items[item]] |= {entries[other]["item"] for other in suiting}
    assert all(len(others) == 1 and item not in others for item, others in shown.items())
    assert np.array_equal(np.unique(records.photos), np.unique(plain.records.photos))


def test_there_must_be_photos(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"shuffle_photos=true needs photos, but there are none"):
        prepare(DatasetConfig(use_images=False, shuffle_photos=True), tmp_path, 0)
