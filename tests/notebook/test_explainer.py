"""What a run says in a notebook: the same one by one and together, as the model generates it, changed as asked."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import meter
from meter.errors import InputError
from meter.evaluate.network_inputs import encode_words
from meter.model import Meter
from meter.notebook import Explainer
from tests.notebook.examples import CODES, FEATURES, ITEMS, USERS, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Explainer:
    return meter.load(make_run(tmp_path_factory.mktemp("run")).path)


@pytest.fixture(scope="module")
def without_pictures(tmp_path_factory: pytest.TempPathFactory) -> Explainer:
    return meter.load(make_run(tmp_path_factory.mktemp("plain"), num_codes=0, grid=[]).path)


def test_a_card_says_what_the_model_generates(run: Explainer) -> None:
    card = run.explain(user=USERS[3], item=ITEMS[1], feature="pool")
    model = run.run.model
    assert isinstance(model, Meter)
    feature = torch.tensor([run.run.vocabulary.index["pool"]])
    expected = model.generate(torch.tensor([3]), torch.tensor([1]), feature)
    assert card.rating == pytest.approx(expected.rating.tolist()[0], rel=1e-6)
    assert card.text.split() == run.run.vocabulary.decode(expected.words[0].tolist())
    assert card.codes == expected.codes[0].tolist()
    assert card.image.shape == (8, 8, 3)
    words = torch.zeros(1, 7, dtype=torch.long)
    logits = model(torch.tensor([3]), torch.tensor([1]), feature, words).context.detach()
    shares = logits.softmax(dim=-1)[0].tolist()
    weights = [shares[run.run.vocabulary.index[word]] for word in card.context]
    assert card.context_probabilities == pytest.approx(weights, rel=1e-5)
    assert card.context_probabilities == sorted(card.context_probabilities, reverse=True)


def test_watching_ends_with_the_same_card(run: Explainer) -> None:
    """The rating first, then a word more each time, then row by row; what is not drawn yet is grey."""
    asked = {"user": USERS[3], "item": ITEMS[1], "feature": "pool"}
    *steps, last = run.watch(**asked)
    card = run.explain(**asked)
    assert (last.text, last.codes, last.rating, last.match) == (
        card.text,
        card.codes,
        card.rating,
        card.match,
    )
    assert np.array_equal(last.image, card.image)
    assert steps[0].text == ""
    assert steps[0].rating == card.rating
    assert all(step.context == card.context for step in steps)
    writing = [step.text.split() for step in steps if step.image is None]
    assert all(card.text.split()[: len(words)] == words for words in writing)
    assert len(writing) >= len(card.text.split())
    drawing = [step for step in steps if step.image is not None]
    assert [step.codes.count(-1) for step in drawing] == [12, 8, 4], "a row of four codes each time"
    for step, rows in zip(drawing, (2, 4, 6), strict=True):
        assert (step.image[rows:] == 128).all()
        assert step.match is None


def test_watching_a_run_without_pictures_ends_with_its_sentence(without_pictures: Explainer) -> None:
    asked = {"user": USERS[0], "item": ITEMS[0], "feature": "bed"}
    *_, last = without_pictures.watch(**asked)
    assert last.text == without_pictures.explain(**asked).text
    assert last.image is None


def test_many_at_once_are_the_same_one_by_one(run: Explainer) -> None:
    run.run.config.evaluation.batch_size = 4
    pairs = [(user, ITEMS[row % 7], FEATURES[row % 3]) for row, user in enumerate(USERS)]
    together = run.explain_many([*pairs, (USERS[0], ITEMS[0])])
    assert len(together) == 10
    for card, (user, item, feature) in zip(together, pairs, strict=False):
        alone = run.explain(user=user, item=item, feature=feature)
        assert (card.user, card.item, card.feature) == (user, item, feature)
        assert (card.text, card.codes) == (alone.text, alone.codes)
        assert card.rating == pytest.approx(alone.rating, rel=1e-5)
    assert together[9].feature == run.explain(user=USERS[0], item=ITEMS[0]).feature
    assert len(together[:2]) == 2


def test_alternatives_are_drawn_and_come_again_with_their_seed(run: Explainer) -> None:
    asked = {"user": USERS[0], "item": ITEMS[0], "feature": "bed", "temperature": 3.0}
    first, again, other = (run.alternatives(**asked, seed=seed) for seed in (1, 1, 2))
    texts = [card.text for card in first]
    assert len(set(texts)) == 4
    assert texts == [card.text for card in again]
    assert texts != [card.text for card in other]
    likeliest = run.alternatives(**{**asked, "temperature": 1e-4, "count": 1})[0]
    assert likeliest.text == run.explain(user=USERS[0], item=ITEMS[0], feature="bed").text


def test_another_user_item_or_feature(run: Explainer) -> None:
    card = run.explain(user=USERS[0], item=ITEMS[0], feature="bed")
    for change in ({"user": USERS[5]}, {"item": ITEMS[3]}, {"feature": "view"}):
        changed = run.what_if(card, **change)
        asked = {"user": USERS[0], "item": ITEMS[0], "feature": "bed", **change}
        assert changed.before is card
        assert changed.after.text == run.explain(**asked).text
        pairs = zip(card.codes, changed.after.codes, strict=True)
        assert changed.changed_codes == sum(old != new for old, new in pairs) / 16


def test_the_picture_to_another_sentence(run: Explainer) -> None:
    card = run.explain(user=USERS[0], item=ITEMS[0], feature="bed")
    same = run.what_if(card, sentence=card.text)
    assert same.after.codes == card.codes
    assert same.changed_codes == 0
    changed = run.what_if(card, sentence="Word7 pool, unheard-of word9!")
    assert changed.after.text == "word7 pool , unheard-of word9 !"
    assert changed.changed_codes > 0
    assert changed.after.rating == card.rating
    assert np.any(changed.after.image != card.image)
    assert "sentence: Word7 pool" in changed._repr_html_()


@pytest.mark.parametrize("changes", [{}, {"user": USERS[1], "item": ITEMS[1]}])
def test_one_thing_is_changed_at_a_time(run: Explainer, changes: dict[str, str]) -> None:
    card = run.explain(user=USERS[0], item=ITEMS[0], feature="bed")
    with pytest.raises(InputError, match=f"expected one of .* found {len(changes)}"):
        run.what_if(card, **changes)


def test_a_word_is_found_by_the_attention_of_the_codes(run: Explainer) -> None:
    card = run.explain(user=USERS[0], item=ITEMS[0], feature="bed")
    tokens = card.text.split()
    word = tokens[2]
    found = run.locate(card, word)
    model = run.run.model
    vocabulary = run.run.vocabulary
    words = encode_words([card.text], vocabulary, 7)
    weights = plain_attention(
        model, 0, 0, vocabulary.index["bed"], words, torch.tensor([card.codes]), 4 + tokens.index(word)
    )
    np.testing.assert_allclose(found.attention, weights.mean(), rtol=1e-4)
    np.testing.assert_allclose(found.weights, (weights / weights.max()).reshape(4, 4), rtol=1e-4)
    assert found.image.shape == card.image.shape
    with pytest.raises(InputError, match="expected a word of"):
        run.locate(card, "nowhere")


@torch.no_grad()
def plain_attention(
    model: Meter, user: int, item: int, feature: int, words: torch.Tensor, codes: torch.Tensor, slot: int
) -> np.ndarray:
    """What each code gives to a slot, by the definition: softmax of the scores, mean over layers and heads."""
    ids = (torch.tensor([number]) for number in (user, item, feature))
    tokens = model.embedding(*ids, words, codes)
    visible = model.visible_slots(words, tokens.shape[1])
    shares = []
    for block in model.transformer.blocks:
        assert block.norm.value == "post"
        queries, keys, _ = block.attention.project_in(tokens)[0].chunk(3, dim=-1)
        for head in range(2):
            part = slice(8 * head, 8 * head + 8)
            scores = queries[:, part] @ keys[:, part].T / 8**0.5
            weights = scores.masked_fill(~visible[0], -torch.inf).softmax(dim=-1)
            shares.append(weights[model.layout.visual, slot])
        tokens = block(tokens, visible[:, None])
    return torch.stack(shares).mean(dim=0).numpy()


def test_tables(run: Explainer) -> None:
    assert [row.name for row in run.users()] == USERS
    first = run.items()[0]
    assert (first.name, first.reviews, first.mean_rating, first.photos) == ("inn-0", 4, 4.25, 3)
    assert [(row.name, row.reviews, row.items) for row in run.features()] == [("bed", 3, 2), ("pool", 3, 1)]
    assert [row.name for row in run.features("inn-0")] == ["pool", "bed"]
    vectors = run.run.model.embedding.items.weight.detach().double().numpy()
    norms = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = norms @ norms[2]
    nearest = run.nearest("inn-2", count=3)
    assert [row.name for row in nearest] == [ITEMS[row] for row in np.argsort(-expected)[1:4]]
    assert nearest[0].similarity == pytest.approx(np.sort(expected)[-2], rel=1e-5)
    assert len(run.nearest("inn-2", count=100)) == 6


def test_the_photos_of_an_item(run: Explainer) -> None:
    assert len(run.item_photos("inn-0")) == 3
    assert len(run.item_photos("inn-0", "bed")) == 1
    assert run.item_photos("inn-5") == []
    with torch.no_grad():
        decoded = run.run.vq.decode(torch.from_numpy(CODES[[2]]))
    pixels = ((decoded[0].permute(1, 2, 0).numpy() + 1) * 127.5).round().clip(0, 255)
    np.testing.assert_allclose(run.item_photos("inn-0", "bed")[0], pixels, atol=1)
    card = run.explain(user=USERS[0], item="inn-0", feature="bed")
    assert np.array_equal(card.photo, run.item_photos("inn-0", "bed")[0])
    assert run.explain(user=USERS[0], item="inn-5", feature="bed").photo is None


def test_a_run_without_pictures(without_pictures: Explainer) -> None:
    card = without_pictures.explain(user=USERS[0], item=ITEMS[0], feature="bed")
    assert card.image is None
    assert without_pictures.item_photos("inn-0") == []
    assert without_pictures.what_if(card, feature="view").changed_codes is None
    with pytest.raises(InputError, match="expected a card with a picture"):
        without_pictures.what_if(card, sentence="word1")
    with pytest.raises(InputError, match="expected a card with a picture"):
        without_pictures.locate(card, card.text.split()[0])


def test_names_that_are_not_known(run: Explainer) -> None:
    with pytest.raises(InputError, match=r"does not know the user 'guest-10'; near are guest-1"):
        run.explain(user="guest-10", item=ITEMS[0])
    with pytest.raises(InputError, match="does not know the item"):
        run.explain_many([(USERS[0], "castle")])
    with pytest.raises(InputError, match="does not know the feature 'poool'; near are pool"):
        run.explain(user=USERS[0], item=ITEMS[0], feature="poool")


def test_a_run_of_an_earlier_version_says_what_it_lacks(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    folder.catalogue_file.unlink()
    run = meter.load(tmp_path)
    assert run.explain(user=USERS[0], item=ITEMS[0], feature="bed").photo is None
    with pytest.raises(InputError, match=r"has no catalogue.json.*python -m meter.evaluate run="):
        run.users()


def test_everything_shows_itself_escaped(tmp_path: Path) -> None:
    make_run(tmp_path)
    names = (tmp_path / "names.json").read_text()
    (tmp_path / "names.json").write_text(names.replace("inn-0", "<b>inn</b>"))
    run = meter.load(tmp_path)
    card = run.explain(user=USERS[0], item="<b>inn</b>", feature="bed")
    gallery = run.explain_many([(USERS[0], "<b>inn</b>", "bed")])
    shown = [run.items(), run.nearest(ITEMS[1]), gallery, run.what_if(card, feature="pool")]
    for each in shown:
        assert "&lt;b&gt;inn&lt;/b&gt;" in each._repr_html_()
        assert "<b>inn" not in each._repr_html_()
    page = gallery.save(tmp_path / "gallery.html").read_text()
    assert "Content-Security-Policy" in page
    assert "<b>inn" not in page
    with pytest.raises(InputError, match=r"saved as \.html"):
        gallery.save(tmp_path / "gallery.png")


def test_frames_have_the_columns_of_the_tables(run: Explainer) -> None:
    frame = run.items().to_pandas()
    assert list(frame.columns) == ["name", "reviews", "mean_rating", "photos"]
    assert frame["reviews"].tolist() == [4, 2, 0, 0, 0, 0, 0]
    assert frame["mean_rating"].isna().sum() == 5
    cards = run.explain_many([(USERS[0], ITEMS[0], "bed"), (USERS[1], ITEMS[1], "pool")])
    assert cards.to_pandas()["rating"].tolist() == [card.rating for card in cards]


def test_without_pandas_a_frame_says_what_to_install(run: Explainer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        InputError, match=r"needs the package pandas: pip install 'meter-explain\[notebook\]'"
    ):
        run.items().to_pandas()


def with_regression(folder: Path) -> Explainer:
    """A run whose first three items have photos."""
    made = make_run(folder)
    catalogue = made.catalogue
    catalogue.item_photos[2] = {"view": [3]}
    catalogue.save(made.catalogue_file)
    return meter.load(made.path)


def test_a_user_without_a_history_is_the_mean_of_all(tmp_path: Path) -> None:
    run = meter.load(make_run(tmp_path).path)
    before = run.explain(user=USERS[1], item=ITEMS[0], feature="bed")
    run.add_user("ann")
    card = run.explain(user="ann", item=ITEMS[0], feature="bed")
    model = run.run.model
    assert isinstance(model, Meter)
    table = model.embedding.users.weight
    assert torch.equal(table[len(USERS)], table[: len(USERS)].mean(dim=0))
    assert [mark.written for mark in card.marks] == ["new user · nothing is known of them"]
    again = run.explain(user=USERS[1], item=ITEMS[0], feature="bed")
    assert (again.text, again.rating, again.marks) == (before.text, before.rating, [])
    assert "new user" in card._repr_html_()
    run.add_user("bob")
    assert torch.equal(table[len(USERS)], model.embedding.users.weight[len(USERS) + 1]), (
        "newcomers do not count"
    )
    with pytest.raises(InputError, match="knows the user 'ann' already"):
        run.add_user("ann")


def test_an_item_with_photos_and_no_review_is_what_the_regression_says(tmp_path: Path) -> None:
    run = with_regression(tmp_path)
    rng = np.random.default_rng(0)
    photos = [
        rng.integers(0, 256, (12, 8, 3), dtype=np.uint8),
        rng.integers(0, 256, (8, 8, 3), dtype=np.uint8),
    ]
    regression = run.add_item("my inn", photos)
    model = run.run.model
    assert isinstance(model, Meter)
    codes = run.run.vq.encode(torch.from_numpy(photos[1]).permute(2, 0, 1)[None] / 127.5 - 1)
    shown = run._names.new_photos["my inn"]
    assert shown.shape == (2, 16)
    assert shown[1].tolist() == codes[0].tolist()
    assert torch.equal(model.embedding.items.weight[len(ITEMS)], regression.predict(shown))
    card = run.explain(user=USERS[0], item="my inn", feature="view")
    assert [mark.written for mark in card.marks] == ["new item · known by 2 photos alone"]
    assert card.codes is not None
    assert len(run.item_photos("my inn")) == 2
    assert run.alternatives(user=USERS[0], item="my inn", feature="bed", count=2)[0].item == "my inn"
    assert len(run.nearest("my inn", 3)) == 3
    assert "my inn" not in [row.name for row in run.nearest(ITEMS[0], 6)]
    assert [row.name for row in run.features("my inn")] == [row.name for row in run.features()]
    with pytest.raises(InputError, match="expected photos of an inn, found none"):
        run.add_item("an inn", [])
    with pytest.raises(InputError, match=r"photo .*nowhere\.jpg is missing"):
        run.add_item("an inn", [tmp_path / "nowhere.jpg"])


def test_a_run_without_photos_knows_no_item_by_them(without_pictures: Explainer) -> None:
    with pytest.raises(InputError, match="expected a run that draws pictures from photos of its items"):
        without_pictures.add_item("my inn", [np.zeros((8, 8, 3), dtype=np.uint8)])
