from pathlib import Path

import pytest

from meter.data import BOS, EOS, PAD, SPECIAL_WORDS, UNK, Vocabulary
from meter.errors import InputError


def test_special_words_have_their_numbers() -> None:
    vocabulary = Vocabulary.count(["a"], [], 9)
    assert [vocabulary.words[number] for number in (PAD, BOS, EOS, UNK)] == [
        "<pad>",
        "<bos>",
        "<eos>",
        "<unk>",
    ]


def test_words_stand_by_count_then_alphabet() -> None:
    vocabulary = Vocabulary.count(["b a c", "c a", "z"], [], 10)
    assert vocabulary.words == [*SPECIAL_WORDS, "a", "c", "b", "z"]


def test_order_of_the_sentences_changes_nothing() -> None:
    sentences = ["d c b a", "b", "x y z a"]
    assert Vocabulary.count(sentences, [], 4).words == Vocabulary.count(sentences[::-1], [], 4).words


def test_size_leaves_out_the_special_words_and_keeps_the_most_frequent() -> None:
    vocabulary = Vocabulary.count(["a a a b b c d"], [], 3)
    assert vocabulary.words == [*SPECIAL_WORDS, "a", "b", "c"]
    assert vocabulary.encode(["a", "d"]) == [4, UNK]


def test_every_feature_word_is_kept_and_counts_as_a_word() -> None:
    vocabulary = Vocabulary.count(["a a a b b pool"], ["pool", "pool", "air conditioning", None], 3)
    assert vocabulary.words == [*SPECIAL_WORDS, "a", "pool", "air conditioning"]
    with pytest.raises(InputError, match="vocabulary_size=1 has no room for the 2 feature words"):
        Vocabulary.count([], ["pool", "bed"], 1)


def test_feature_of_several_words_is_one_entry() -> None:
    vocabulary = Vocabulary.count(["the air conditioning works"], ["air conditioning"], 10)
    whole = vocabulary.index["air conditioning"]
    assert vocabulary.decode([whole]) == ["air conditioning"]
    assert whole not in vocabulary.encode(["the", "air", "conditioning", "works"])
    assert UNK not in vocabulary.encode(["the", "air", "conditioning", "works"])


def test_special_words_in_a_text_are_unknown_words() -> None:
    vocabulary = Vocabulary.count(["<eos> <pad> a <unk>"], ["<bos>"], 10)
    assert vocabulary.words == [*SPECIAL_WORDS, "a"]
    assert vocabulary.encode(["<pad>", "<bos>", "<eos>", "<unk>", "a"]) == [UNK, UNK, UNK, UNK, 4]


def test_decode_stops_at_eos_and_leaves_out_pad_and_bos() -> None:
    vocabulary = Vocabulary.count(["a b"], [], 10)
    assert vocabulary.decode([BOS, 4, UNK, PAD, 5, EOS, 4]) == ["a", "<unk>", "b"]


def test_saved_and_loaded_is_the_same(tmp_path: Path) -> None:
    vocabulary = Vocabulary.count(["naïve café 你 ' \" ok"], ["front desk"], 10)
    vocabulary.save(tmp_path / "vocabulary.json")
    loaded = Vocabulary.load(tmp_path / "vocabulary.json")
    assert loaded.words == vocabulary.words
    assert loaded.index == vocabulary.index
    assert len(loaded) == 11


@pytest.mark.parametrize("words", [["a", "b"], [*SPECIAL_WORDS, "a", "a"], [*SPECIAL_WORDS, "<eos>"]])
def test_lists_that_are_no_vocabulary_are_refused(words: list[str]) -> None:
    with pytest.raises(InputError, match="a vocabulary"):
        Vocabulary(words)
