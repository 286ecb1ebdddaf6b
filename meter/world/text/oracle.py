"""Reads what a sentence says, from the feature words and the words of each value."""

from meter.world.text.wording import VALUE_WORDS


def read_text(sentence: str) -> dict[str, str]:
    """What the sentence says of the features it names: feature -> canonical value.

    A value's word belongs to the nearest feature word in the sentence that has such a value. A feature without a
    value, or with words of two different values, is left out. Reads any sentence, not only the world's own, but
    ignores negation, which the world never uses with a value.

    sentence: lower case, words separated by spaces.
    """
    words = sentence.split()
    features = [(position, word) for position, word in enumerate(words) if word in VALUE_WORDS]
    values: dict[str, set[str]] = {}
    for position, word in enumerate(words):
        candidates = [
            (abs(feature_position - position), feature_position, feature)
            for feature_position, feature in features
            if word in VALUE_WORDS[feature]
        ]
        if candidates:
            feature = min(candidates)[-1]
            values.setdefault(feature, set()).add(VALUE_WORDS[feature][word])
    return {feature: found.pop() for feature, found in values.items() if len(found) == 1}
