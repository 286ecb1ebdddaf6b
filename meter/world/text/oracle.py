"""What a sentence says: an oracle that knows the feature words and the words of each value."""

from meter.world.text.wording import VALUE_WORDS


def read_text(sentence: str) -> dict[str, str]:
    """What the sentence says of the features it names: feature -> canonical value.

    A value's word counts for the nearest feature word in the sentence that it can belong to. A feature that is named
    without a value, or with words of two different values, is absent. Reads any sentence, not only the world's own;
    it knows no negation, which the world's language never uses on a value.

    sentence: lower case, words apart by spaces.
    """
    words = sentence.split()
    places = [(place, word) for place, word in enumerate(words) if word in VALUE_WORDS]
    said: dict[str, set[str]] = {}
    for place, word in enumerate(words):
        owners = [(abs(at - place), at, feature) for at, feature in places if word in VALUE_WORDS[feature]]
        if owners:
            feature = min(owners)[-1]
            said.setdefault(feature, set()).add(VALUE_WORDS[feature][word])
    return {feature: values.pop() for feature, values in said.items() if len(values) == 1}
