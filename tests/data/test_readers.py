import csv
import json
import os
import pickle
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import jaxtyping
import pytest

from meter.data import Reviews, VocabularySource, read_csv, read_jsonl, read_peter, read_yelp, tokenize
from meter.data.readers.feature_mining import first_named, mine_features
from meter.data.reviews import Review
from meter.data.splits import SPLITS, keep_known, make_splits
from meter.errors import InputError
from tests.conftest import REAL_DATA

needs_real_data = pytest.mark.skipif(not REAL_DATA.exists(), reason=f"no real data at {REAL_DATA}")

SENTENCES = ("the pool is warm .", "small room , big bed", "air conditioning was loud !", "i would come back")


def peter_entry(user: object = "u", item: object = "i", rating: object = 4, sentence: object = "a nice pool"):
    return {"user": user, "item": item, "rating": rating, "template": ("pool", "nice", sentence, 1)}


def write_peter(folder: Path, entries: object, **splits: str) -> Path:
    (folder / "1").mkdir(parents=True, exist_ok=True)
    (folder / "reviews.pickle").write_bytes(pickle.dumps(entries))
    for name, text in {"train": "0 1", "validation": "2", "test": "3", **splits}.items():
        (folder / "1" / f"{name}.index").write_text(text)
    return folder


def write_jsonl(folder: Path, entries: list[object], **splits: str) -> Path:
    lines = (entry if isinstance(entry, str) else json.dumps(entry) for entry in entries)
    (folder / "reviews.jsonl").write_text("\n".join(lines) + "\n")
    for name, text in splits.items():
        (folder / "splits").mkdir(exist_ok=True)
        (folder / "splits" / f"{name}.index").write_text(text)
    return folder


def entry(**changes: object) -> dict[str, object]:
    return {"user": "u", "item": "i", "rating": 4, "text": "Nice pool.", **changes}


# --- PETER format


def test_peter_records_come_as_they_are(tmp_path: Path) -> None:
    entries = [peter_entry(f"u{row}", row, row + 1, text) for row, text in enumerate(SENTENCES)]
    reviews = read_peter(write_peter(tmp_path, entries, train="1 0", validation="3", test="2"))
    assert reviews.records[0] == Review("u0", "0", 1.0, "the pool is warm .", "pool")
    assert [record.text for record in reviews.records] == list(SENTENCES)
    assert reviews.splits == {"train": [1, 0], "validation": [3], "test": [2]}
    assert (reviews.counts.read, reviews.counts.kept, reviews.counts.dropped) == (4, 4, {})


class Evil:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.system, (f"touch {self.trace}",)


def test_pickle_that_asks_for_a_function_is_refused_by_name_and_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "was-run"
    write_peter(tmp_path, [peter_entry(), Evil(trace)])
    with pytest.raises(InputError, match=rf"reviews\.pickle: refused, .* {os.system.__module__}\.system"):
        read_peter(tmp_path)
    assert not trace.exists()
    pickle.loads((tmp_path / "reviews.pickle").read_bytes())
    assert trace.exists(), "the pickle of this test must be one that does harm"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"user": "u"}, "expected a list of dicts, found a dict"),
        (1 + 2j, r"asks for (builtins|__builtin__)\.complex"),
        ([peter_entry(user=PurePosixPath("x"))], r"asks for pathlib\S*\.PurePosixPath"),
    ],
)
def test_pickles_of_other_things_are_refused(tmp_path: Path, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_peter(write_peter(tmp_path, value))


@pytest.mark.parametrize("kept", [0, 1, 10, -1])
def test_torn_pickle_is_one_clear_line(tmp_path: Path, kept: int) -> None:
    write_peter(tmp_path, [peter_entry()] * 4)
    path = tmp_path / "reviews.pickle"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match="not a whole pickle") as fault:
        read_peter(tmp_path)
    assert "\n" not in str(fault.value)


def test_bad_single_records_are_counted_with_reason_and_first_place(tmp_path: Path) -> None:
    bad = [
        peter_entry(rating="4"),
        peter_entry(rating=9),
        peter_entry(rating=float("nan")),
        peter_entry(rating=True),
        peter_entry(user=["u"]),
        peter_entry(sentence="  "),
        {**peter_entry(), "template": ("pool", "nice")},
        "not a dict",
        peter_entry(rating=10**400),
    ]
    entries = [*[peter_entry()] * 4, *bad]
    reviews = read_peter(write_peter(tmp_path, entries, train="0 1 " + " ".join(map(str, range(4, 13)))))
    assert {reason: each.count for reason, each in reviews.counts.dropped.items()} == {
        "rating is not a number": 2,
        "rating outside 1 to 5": 3,
        "user is not a string": 1,
        "empty text": 1,
        "template is not (feature, adjective, sentence, score)": 1,
        "not a dict": 1,
    }
    assert reviews.counts.dropped["rating outside 1 to 5"].first.endswith(
        "reviews.pickle, record 5 (counted from 0)"
    )
    assert (reviews.counts.read, reviews.counts.kept) == (13, 4)
    assert reviews.splits["train"] == [0, 1], "the index keeps its meaning over dropped records"


def test_source_without_a_usable_record_is_refused_with_its_reasons(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"none of its 2 records can be used \(rating outside 1 to 5, first at .*0"
    ):
        read_peter(write_peter(tmp_path, [peter_entry(rating=77)] * 2))
    with pytest.raises(InputError, match="it is empty"):
        read_peter(write_peter(tmp_path, []))


def test_misspelt_key_of_a_pickle_names_the_right_one(tmp_path: Path) -> None:
    entries = [{("usr" if key == "user" else key): value for key, value in peter_entry().items()}] * 4
    with pytest.raises(InputError, match="rename 'usr' to 'user'"):
        read_peter(write_peter(tmp_path, entries))


# --- Index files


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"test": "3 1"}, r"test\.index:1: record 1 is listed already in train\.index"),
        ({"train": "0\n1 0"}, r"train\.index:2: record 0 is listed already in train\.index"),
        ({"validation": "4"}, r"validation\.index:1: expected record numbers from 0 to 3, found '4'"),
        ({"test": "3 -1"}, r"test\.index:1: .* found '-1'"),
        ({"test": "3 1.5"}, r"test\.index:1: .* found '1.5'"),
        ({"test": "9" * 5000}, r"test\.index:1: .* found '9"),
    ],
)
def test_index_files_that_contradict_are_refused(
    tmp_path: Path, splits: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_peter(write_peter(tmp_path, [peter_entry()] * 4, **splits))


def test_missing_files_say_which_and_where(tmp_path: Path) -> None:
    for read, name in (
        (read_peter, "reviews.pickle"),
        (read_jsonl, "reviews.jsonl"),
        (read_csv, "reviews.csv"),
        (read_yelp, "yelp_academic_dataset_review.json"),
    ):
        with pytest.raises(
            InputError, match=rf"^{name} is missing: expected it at .*{name}; .*docs/data\.md"
        ):
            read(tmp_path)
    (write_peter(tmp_path, [peter_entry()] * 4) / "1" / "validation.index").unlink()
    with pytest.raises(
        InputError, match=r"^validation\.index is missing: expected it at .*1/validation\.index"
    ):
        read_peter(tmp_path)


def test_records_in_no_index_file_are_dropped_and_counted(tmp_path: Path) -> None:
    reviews = read_jsonl(write_jsonl(tmp_path, [entry()] * 5, train="4", validation="1", test="2"))
    assert reviews.counts.dropped["in no index file"].count == 2
    assert reviews.counts.dropped["in no index file"].first.endswith("reviews.jsonl:1")
    assert reviews.numbers == [1, 2, 4]
    assert reviews.splits == {"train": [2], "validation": [0], "test": [1]}


def test_further_index_files_are_further_splits(tmp_path: Path) -> None:
    splits = {"unseen": "3", "another": "4", "train": "0", "validation": "1", "test": "2"}
    reviews = read_jsonl(write_jsonl(tmp_path, [entry()] * 5, **splits))
    assert list(reviews.splits) == ["train", "validation", "test", "another", "unseen"]
    assert reviews.splits["unseen"] == [3]


# --- The seeded split


def random_pairs(seed: int, *, num_records: int = 400, num_users: int = 60) -> list[tuple[int, str, str]]:
    """Record number, user and item; the numbers have gaps, as those of kept records have."""
    draw = random.Random(seed)
    return [
        (2 * index, f"u{draw.randrange(num_users)}", f"i{draw.randrange(40)}") for index in range(num_records)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_seeded_split_keeps_every_user_and_item_in_train(seed: int) -> None:
    pairs = random_pairs(seed)
    splits = make_splits(pairs, seed)
    assert sorted(number for numbers in splits.values() for number in numbers) == list(range(0, 800, 2))
    train = [pair for pair in pairs if pair[0] in splits["train"]]
    assert {user for _, user, _ in train} == {user for _, user, _ in pairs}
    assert {item for _, _, item in train} == {item for _, _, item in pairs}
    assert 36 <= len(splits["validation"]) <= 40
    assert 36 <= len(splits["test"]) <= 40
    split_of = {number: name for name, numbers in splits.items() for number in numbers}
    splits_of_pair: dict[tuple[str, str], set[str]] = {}
    for number, user, item in pairs:
        splits_of_pair.setdefault((user, item), set()).add(split_of[number])
    assert all(len(names) == 1 for names in splits_of_pair.values()), (
        "the sentences of one review stay together"
    )
    assert splits == make_splits(pairs, seed)
    assert splits != make_splits(pairs, seed + 1)


@pytest.mark.parametrize("seed", range(3))
def test_validation_and_test_share_what_can_be_held_out(seed: int) -> None:
    """Most users have one review, so less than two tenths can be held out: both splits get half of it."""
    splits = make_splits(random_pairs(seed, num_records=3_000, num_users=20_000), seed)
    held_out = len(splits["validation"]) + len(splits["test"])
    assert 100 < held_out < 500
    assert abs(len(splits["validation"]) - len(splits["test"])) <= 1


def test_strangers_to_train_are_dropped_from_the_other_splits_and_counted(tmp_path: Path) -> None:
    entries = [entry(), entry(user="v"), entry(user="w"), entry(item="j"), entry(user="v", text="last")]
    reviews = read_jsonl(write_jsonl(tmp_path, entries, train="0 1", validation="2", test="3 4"))
    known = keep_known(reviews)
    assert {reason: each.count for reason, each in known.counts.dropped.items()} == {
        "user not in train (validation)": 1,
        "item not in train (test)": 1,
    }
    assert known.splits == {"train": [0, 1], "validation": [], "test": [2]}
    assert known.records[2].text == "last"
    assert known.numbers == [0, 1, 4]
    assert reviews.counts.dropped == {}, "the reviews that were given stay as they were"


# --- JSON lines and CSV


def test_jsonl_fields(tmp_path: Path) -> None:
    entries = [
        entry(
            user=7,
            text="The Air  Conditioning DIDN'T work…",
            feature="Air Conditioning",
            image="images/a.jpg",
        ),
        entry(feature=None, image="", helpful=3),
        entry(image=["images/a.jpg", "images/b.jpg"]),
    ]
    first, second, third = read_jsonl(write_jsonl(tmp_path, entries)).records
    assert first == Review(
        "7", "i", 4.0, "the air conditioning didn't work ...", "air conditioning", ("images/a.jpg",)
    )
    assert third.images == ("images/a.jpg", "images/b.jpg")
    assert (second.text, second.feature, second.images) == ("nice pool .", None, ())


def test_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"reviews\.jsonl:3: expected one JSON object per line, found '\{\"user\": \"u'"
    ):
        read_jsonl(write_jsonl(tmp_path, [entry(), entry(), '{"user": "u']))
    (tmp_path / "reviews.jsonl").write_bytes(b'{"user": "\xff"}\n')
    with pytest.raises(InputError, match=r"reviews\.jsonl:1"):
        read_jsonl(tmp_path)


def test_bad_lines_are_counted_and_keep_their_numbers(tmp_path: Path) -> None:
    entries = [
        entry(),
        "",
        "[1]",
        entry(text="\ud800"),
        entry(rating=None),
        entry(feature=3),
        entry(image=["a.jpg", 3]),
        entry(text="last"),
    ]
    reviews = read_jsonl(write_jsonl(tmp_path, entries, train="0 1 2 3", validation="4 5", test="6 7"))
    assert {reason: each.first.rpartition(":")[2] for reason, each in reviews.counts.dropped.items()} == {
        "blank line": "2",
        "not a JSON object": "3",
        "text is not Unicode text": "4",
        "no rating": "5",
        "feature is not a string": "6",
        "image is not a string": "7",
    }
    assert reviews.splits == {"train": [0], "validation": [], "test": [1]}
    assert reviews.numbers == [0, 7]


def test_misspelt_names_are_refused_even_where_they_are_optional(tmp_path: Path) -> None:
    wrong = {"user": "u", "item": "i", "ratings": 4, "text": "a"}
    with pytest.raises(InputError, match=r"reviews\.jsonl:1: no 'rating'; .*rename 'ratings' to 'rating'"):
        read_jsonl(write_jsonl(tmp_path, [wrong]))
    with pytest.raises(InputError, match="did you mean 'feature'"):
        read_jsonl(write_jsonl(tmp_path, [entry(featrue="pool")]))
    (tmp_path / "reviews.csv").write_text("user,itme,rating,text\nu,i,4,a\n")
    with pytest.raises(InputError, match=r"reviews\.csv:1: no 'item'; .*rename 'itme' to 'item'"):
        read_csv(tmp_path)


def test_csv_reads_the_same_as_jsonl(tmp_path: Path) -> None:
    entries = [
        entry(user=f"u{row % 3}", rating=1.5 + row % 4, text=f'He said "{row}",\nthen left.')
        for row in range(30)
    ]
    entries[4]["feature"] = "front desk"
    with (tmp_path / "reviews.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["feature", "user", "item", "rating", "text"])
        table.writeheader()
        table.writerows(entries)
    from_table = read_csv(tmp_path, seed=3)
    from_lines = read_jsonl(write_jsonl(tmp_path, list(entries)), seed=3)
    assert from_table.records == from_lines.records
    assert from_table.splits == from_lines.splits


def test_csv_faults(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("user,item,rating,text\nu,i,4,fine\nu,i,many,a\nu,i,4\n\nu,i,inf,a\n,i,4,a\n")
    dropped = read_csv(tmp_path).counts.dropped
    assert {reason: each.first.rpartition(":")[2] for reason, each in dropped.items()} == {
        "rating is not a number": "3",
        "not as many cells as columns": "4",
        "blank line": "5",
        "rating outside 1 to 5": "6",
        "no user": "7",
    }
    path.write_text('user,item,rating,text\nu,i,4,"torn\n')
    with pytest.raises(InputError, match=r"reviews\.csv:\d+: not a CSV file in UTF-8"):
        read_csv(tmp_path)
    path.write_text("user,item,rating,text,text\nu,i,4,a,b\n")
    with pytest.raises(InputError, match="column 'text' appears more than once"):
        read_csv(tmp_path)


# --- Words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The A/C didn't work!", "the a / c didn't work !"),
        ("$11.50 at 5:50, 1,000 times...", "$ 11.50 at 5:50 , 1,000 times ..."),
        ("check-in—fast. “Wow”", 'check-in — fast . " wow "'),
        ("It’s 50% <eos>", "it's 50 % < eos >"),
        ("   ", ""),
    ],
)
def test_tokenize(text: str, words: str) -> None:
    assert tokenize(text) == words.split()


def test_tokenized_text_stays_as_it_is() -> None:
    draw = random.Random(0)
    signs = "aZé1 2.,:'-!…’_\n\tİß½%$/()\u0301你"
    for _ in range(3000):
        words = tokenize("".join(draw.choice(signs) for _ in range(draw.randrange(25))))
        assert tokenize(" ".join(words)) == words


# --- Yelp


def test_features_are_what_something_is_said_about() -> None:
    texts = (
        ["The food was great. My dog ran."] * 5 + ["Our waiter is nice"] * 4 + ["The place was ok, i ran"] * 9
    )
    assert mine_features(texts) == {"food"}
    assert mine_features([*texts, "their waiter were two"]) == {"food", "waiter"}


def test_first_sentence_that_names_a_feature() -> None:
    named = first_named("We came late. Food!\nThe waiter brought Food. Food is good.", {"food", "waiter"})
    assert named is not None
    assert (named.sentence, named.feature) == ("the waiter brought food .", "waiter")
    assert first_named("Nothing here. At all", {"food"}) is None


def test_yelp_reviews_become_sentences(tmp_path: Path) -> None:
    texts = ["Hm. The food was good! Bye."] * 6 + ["No feature here at all."]
    lines = [
        json.dumps({"user_id": f"u{row}", "business_id": "b", "stars": 4.0, "text": text, "cool": 0})
        for row, text in enumerate(texts)
    ]
    (tmp_path / "yelp_academic_dataset_review.json").write_text("\n".join(lines))
    reviews = read_yelp(tmp_path)
    assert reviews.records[0] == Review("u0", "b", 4.0, "the food was good !", "food")
    assert reviews.counts.dropped["no sentence names a feature word"].first.endswith("review.json:7")
    assert len(reviews.records) == 6


def yelp_lines(folder: Path, texts: list[str], num_users: int = 3, num_items: int = 2) -> Path:
    lines = [
        {"user_id": f"u{row % num_users}", "business_id": f"b{row % num_items}", "stars": 4.0, "text": text}
        for row, text in enumerate(texts)
    ]
    (folder / "yelp_academic_dataset_review.json").write_text(
        "".join(json.dumps(line) + "\n" for line in lines)
    )
    return folder


def test_yelp_features_are_mined_from_the_training_reviews_of_the_index_files(tmp_path: Path) -> None:
    """Decision D9: a word that only held-out reviews speak of is not known when sentences are chosen."""
    training = ["The food was good. The waiter ran."] * 6
    held_out = ["The waiter was slow. The food is cold."] * 6
    yelp_lines(tmp_path, [*training, *held_out, "The waiter was rude."])
    (tmp_path / "splits").mkdir()
    for name, numbers in {"train": "0 1 2 3 4 5", "validation": "6 7 8", "test": "9 10 11 12"}.items():
        (tmp_path / "splits" / f"{name}.index").write_text(numbers)
    reviews = read_yelp(tmp_path)
    assert [record.text for record in reviews.records] == ["the food was good ."] * 6 + [
        "the food is cold ."
    ] * 6
    assert reviews.counts.dropped["no sentence names a feature word"].count == 1
    assert reviews.splits == {"train": [*range(6)], "validation": [6, 7, 8], "test": [9, 10, 11]}
    everywhere = read_yelp(tmp_path, vocabulary_from=VocabularySource.peter_compat)
    assert everywhere.records[6].text == "the waiter was slow ."
    assert len(everywhere.records) == 13


@pytest.mark.parametrize("seed", range(3))
def test_yelp_features_are_mined_from_the_training_reviews_of_the_seeded_split(
    tmp_path: Path, seed: int
) -> None:
    words = ["food", "waiter", "patio", "music", "menu", "bread", "soup", "view"]
    draw = random.Random(seed)
    texts = [f"The {draw.choice(words)} was {draw.choice(['good', 'bad'])}." for _ in range(60)]
    reviews = read_yelp(yelp_lines(tmp_path, [*texts, "", "Nothing."]), seed=seed)
    training = [texts[reviews.numbers[index]] for index in reviews.splits["train"]]
    assert {record.feature for record in reviews.records} == mine_features(training)
    everywhere = read_yelp(tmp_path, seed=seed, vocabulary_from=VocabularySource.peter_compat)
    assert {record.feature for record in everywhere.records} == mine_features(texts)

    def numbers(read: Reviews) -> dict[str, set[int]]:
        return {name: {read.numbers[index] for index in split} for name, split in read.splits.items()}

    assert all(numbers(reviews)[name] <= numbers(everywhere)[name] for name in SPLITS), (
        "the split comes first, so it does not depend on the words"
    )


# --- Real data


@pytest.fixture
def without_type_checks() -> Iterator[None]:
    """Types are checked on the small data; on all records that would take most of the time."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@needs_real_data
@pytest.mark.usefixtures("without_type_checks")
def test_real_yelp_data_are_read() -> None:
    reviews = read_yelp(REAL_DATA / "yelp")
    assert reviews.counts.read == 10_000
    assert list(reviews.counts.dropped) == ["no sentence names a feature word"]
    assert reviews.counts.kept > 9_000
    assert Counter(record.feature for record in reviews.records).most_common(1)[0][0] == "food"
    assert all(record.feature in record.text.split() for record in reviews.records)
