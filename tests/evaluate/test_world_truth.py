"""The evaluation of a world with visits and details: true sentences and photos are right about everything."""

import numpy as np
import pytest

from meter.data import DatasetConfig, Prepared, prepare
from meter.data.pairing import NO_PHOTO
from meter.evaluate import measure as measure_module
from meter.evaluate.diagnose import visit_records
from meter.evaluate.generations import Generation
from meter.evaluate.measure import measure, vq_sections
from meter.evaluate.pair_scores import swapped_also_true
from meter.report.run_report import marks_of
from meter.vq import VQGAN, VQConfig
from meter.world import WorldConfig, read_image, read_text


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Prepared:
    world = WorldConfig(
        num_hotels=6,
        num_restaurants=6,
        num_users=8,
        reviews_per_item=8,
        offered_values=2,
        photos_per_item=3,
        detail_photos=2,
    )
    config = DatasetConfig(image_size=32, text_length=18, world=world)
    return prepare(config, tmp_path_factory.mktemp("cache"), seed=0)


def faultless(prepared: Prepared, split: str) -> list[Generation]:
    """What a model without any fault would write for this split."""
    return [
        Generation(
            split=split,
            row=row,
            user=prepared.users[prepared.records.users[row]],
            item=prepared.items[prepared.records.items[row]],
            feature=prepared.feature(row),
            rating=float(prepared.records.ratings[row]),
            predicted_rating=float(prepared.records.ratings[row]),
            reference=prepared.sentence(row),
            cut_reference=prepared.sentence(row),
            text=prepared.sentence(row),
            context=[],
            codes=None,
            photo=int(prepared.records.photos[row]),
        )
        for row in prepared.splits[split].tolist()
    ]


def test_all_photos_that_suit_a_record_show_what_it_says(prepared: Prepared) -> None:
    assert prepared.photos is not None
    sets = prepared.photo_sets
    for row in range(len(prepared.records.users)):
        number = prepared.records.photo_sets[row]
        assert number != NO_PHOTO
        for photo in sets.members[sets.offsets[number] : sets.offsets[number + 1]]:
            shown = read_image(np.asarray(prepared.photos.pixels[photo]))
            assert read_text(prepared.sentence(row)).items() <= shown.items()


def test_true_sentences_are_true(prepared: Prepared) -> None:
    generated = faultless(prepared, "unseen")
    measured = measure(generated, prepared, None, None, None, lowest_rating=1.0, highest_rating=5.0, seed=0)
    truth = measured.metrics["unseen"]["truth"]
    assert truth["sentence_truth"] == truth["statement_truth"] == truth["visit"]["sentence_truth"] == 1
    assert truth["visit"]["chance"] == 2 / 4
    assert 1 / 4 < truth["chance"] < 2 / 4
    assert 0 < truth["visit"]["count"] < truth["count"]
    assert [score["truth"]["visit"] for score in measured.scores].count(True) == truth["visit"]["count"]


def test_a_codec_without_loss_keeps_what_held_out_photos_show(prepared: Prepared, monkeypatch) -> None:
    monkeypatch.setattr(measure_module, "reconstruct", lambda vq, pixels: pixels)
    vq = VQGAN(VQConfig(image_size=32, channels=32, multipliers=[1, 1], attention_sizes=[], latent_width=32))
    assert prepared.photos is not None
    rows = np.arange(len(prepared.photos.entries))
    sections = vq_sections(prepared, vq, {"psnr": 99.0}, rows)
    assert sections == {"psnr": 99.0, "read_image_truth": 1.0}


def test_a_swapped_pair_is_true_if_the_other_photo_shows_what_is_said(prepared: Prepared) -> None:
    generated = faultless(prepared, "train")
    own = np.arange(len(generated))
    assert swapped_also_true(generated, own, prepared) == 1
    assert prepared.photos is not None
    features = [generation.feature for generation in generated]
    others = np.array([features.index(feature) for feature in features])
    also = []
    for generation, other in zip(generated, others, strict=True):
        shown = read_image(np.asarray(prepared.photos.pixels[generated[other].photo]))
        also.append(read_text(generation.reference).items() <= shown.items())
    assert len(set(others.tolist())) < sum(also) < len(also)
    assert swapped_also_true(generated, others, prepared) == np.mean(also)


def test_the_marks_of_a_card(prepared: Prepared) -> None:
    generated = faultless(prepared, "unseen")
    assert prepared.photos is not None
    assert prepared.truth is not None
    truth = prepared.truth
    sizes = set()
    for generation in generated:
        marks = marks_of(generation, np.asarray(prepared.photos.pixels[generation.photo]), prepared)
        assert [mark.ok for mark in marks] == [True, True, True]
        sizes.add(marks[1].detail)
        other = next(one for one in generated if truth.kinds[one.item] != truth.kinds[generation.item])
        wrong = marks_of(generation, np.asarray(prepared.photos.pixels[other.photo]), prepared)
        assert wrong[0].ok
        if other.feature != generation.feature:
            assert not wrong[2].ok
    assert sizes == {"1 of 1 features", "8 of 8 features"}


def test_the_visits_are_the_records_of_features_that_belong_to_a_visit(prepared: Prepared) -> None:
    generated = faultless(prepared, "train")
    rows = set(visit_records(generated, prepared).tolist())
    of_visits = {
        generation.row
        for generation in generated
        if generation.feature in ("dish", "drink", "flowers", "view")
    }
    assert rows == of_visits
    assert 0 < len(rows) < len(generated)
