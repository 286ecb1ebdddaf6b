"""A model that is handed features of its items' photos: they reach its words, in every pass and after saving."""

import pytest
import torch

from meter.errors import InputError
from meter.model import EOS, Initialisation, Meter, PackedMeter, word_slots
from tests.conftest import Inputs, small_config, small_inputs
from tests.model.generation.test_generate import plain_generate

WITHOUT_PICTURES = {"num_codes": 0, "grid": []}


def handed_model(**changes: object) -> Meter:
    """A toy model that draws nothing; five features of seven items, the last of which has no photo."""
    torch.manual_seed(0)
    features = torch.randn(7, 5)
    features[6] = 0
    model = Meter(small_config(picture_features=True, **changes), picture_features=features)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad and weight.ndim > 1:
                weight.normal_(std=0.5)
    return model.eval()


def test_the_gradient_of_words_and_rating_reaches_the_projection_and_not_the_features(inputs: Inputs) -> None:
    for head in ("text", "rating", "context"):
        model = handed_model(**WITHOUT_PICTURES)
        getattr(
            model(inputs.users, inputs.items, inputs.features, inputs.words), head
        ).square().sum().backward()
        features, projection = model.embedding.pictures
        assert projection.weight.grad.abs().sum() > 0
        assert features.weight.grad is None


def test_items_that_are_alike_but_for_their_photos_differ(inputs: Inputs) -> None:
    model = handed_model(**WITHOUT_PICTURES)
    with torch.no_grad():
        model.embedding.items.weight[:] = 1.0
    first, other, without = (
        model(inputs.users, torch.full_like(inputs.items, item), inputs.features, inputs.words).text
        for item in (0, 1, 6)
    )
    assert not torch.allclose(first, other, atol=0.1)
    with torch.no_grad():
        model.embedding.pictures[1].weight.zero_()
    blind = model(inputs.users, inputs.items, inputs.features, inputs.words).text
    torch.testing.assert_close(without, blind)


@pytest.mark.parametrize("pictures", [WITHOUT_PICTURES, {}])
def test_the_packed_pass_sees_them_too(inputs: Inputs, pictures: dict) -> None:
    model = handed_model(**pictures)
    codes = None if pictures else inputs.codes
    slots = word_slots(inputs.words)
    plain = model(inputs.users, inputs.items, inputs.features, inputs.words, codes)
    packed = PackedMeter(model)(inputs.users, inputs.items, inputs.features, inputs.words, codes, slots)
    torch.testing.assert_close(packed.text, plain.text.flatten(0, 1)[slots])
    torch.testing.assert_close(packed.rating, plain.rating)


def test_cached_generation_equals_reencoding_word_for_word() -> None:
    inputs = small_inputs((6,) * 8)
    model = handed_model()  # draws as well: words and codes are compared
    with torch.no_grad():
        model.heads.text.bias[EOS] += 3
    words, codes = plain_generate(model, inputs)
    generated = model.generate(inputs.users, inputs.items, inputs.features)
    assert torch.equal(generated.words, words)
    assert torch.equal(generated.codes, codes)


def test_saved_and_opened_again_it_is_the_same(inputs: Inputs, tmp_path) -> None:
    model = handed_model(**WITHOUT_PICTURES)
    model.save_pretrained(tmp_path)
    opened = Meter.from_pretrained(tmp_path)
    assert torch.equal(opened.embedding.pictures[0].weight, model.embedding.pictures[0].weight)
    arguments = (inputs.users, inputs.items, inputs.features, inputs.words)
    assert torch.equal(opened(*arguments).text, model(*arguments).text)
    assert not opened.embedding.pictures[0].weight.requires_grad


def test_without_the_field_features_change_nothing() -> None:
    """The same weights for the same seed, and none more."""
    torch.manual_seed(3)
    plain = Meter(small_config()).state_dict()
    torch.manual_seed(3)
    offered = Meter(small_config(), picture_features=torch.ones(7, 5)).state_dict()
    assert plain.keys() == offered.keys()
    assert all(torch.equal(weight, offered[name]) for name, weight in plain.items())


@pytest.mark.parametrize("initialisation", list(Initialisation))
def test_features_of_length_1_begin_as_long_as_an_items_own_vector(initialisation: Initialisation) -> None:
    torch.manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(300, 400), dim=1)
    config = small_config(num_items=300, picture_features=True, initialisation=initialisation, width=64)
    embedding = Meter(config, picture_features=features).embedding
    projected = embedding.pictures(torch.arange(300))
    assert 0.3 < projected.std() / embedding.items.weight.std() < 4


@pytest.mark.parametrize("features", [None, torch.zeros(6, 5)])
def test_features_that_do_not_fit_the_items_are_refused(features: torch.Tensor | None) -> None:
    found = "None" if features is None else "shape"
    with pytest.raises(
        InputError, match=rf"picture_features: expected \(7, F\), a row for each .*, found {found}"
    ):
        Meter(small_config(picture_features=True), picture_features=features)
