"""How each value is put into words: the phrases that name it, and the words that identify it."""

from dataclasses import dataclass

from meter.world.attributes import VALUES

PLURAL = {"walls", "curtains", "chairs", "flowers"}
"""Feature words that take a plural verb and no article."""

SERVED = {"dish", "drink"}
"""Feature words that are brought to the table and tasted, not built in and looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """One way to say one value of one feature.

    noun: a noun phrase with the feature word, to follow an adjective or article.
    predicate: a verb phrase whose subject is the feature.
    """

    noun: str
    predicate: str


_ADJECTIVES: dict[str, dict[str, list[str]]] = {
    "walls": {
        "white": ["white", "ivory"],
        "blue": ["blue", "azure"],
        "green": ["green", "sage"],
        "pink": ["pink", "coral"],
    },
    "painting": {"abstract": ["abstract", "cubist"]},
    "lamp": {
        "brass": ["brass", "golden"],
        "paper": ["paper"],
        "iron": ["iron", "black"],
        "glass": ["glass", "emerald"],
    },
    "floor": {
        "wooden": ["wooden", "oak"],
        "tiled": ["tiled", "ceramic"],
        "carpeted": ["carpeted", "burgundy"],
        "marble": ["marble", "stone"],
    },
    "bed": {
        "red": ["red", "scarlet"],
        "blue": ["blue", "navy"],
        "yellow": ["yellow", "mustard"],
        "white": ["white", "ivory"],
    },
    "curtains": {
        "purple": ["purple", "violet"],
        "orange": ["orange", "tangerine"],
        "turquoise": ["turquoise", "teal"],
        "lace": ["lace", "white"],
    },
    "armchair": {
        "leather": ["leather", "brown"],
        "velvet": ["velvet", "emerald"],
        "linen": ["linen", "beige"],
        "tartan": ["tartan", "plaid"],
    },
    "tablecloth": {
        "white": ["white", "ivory"],
        "navy": ["navy", "indigo"],
        "checkered": ["checkered", "gingham"],
        "yellow": ["yellow", "lemon"],
    },
    "chairs": {
        "wooden": ["wooden", "oak"],
        "black": ["black", "ebony"],
        "red": ["red", "scarlet"],
        "green": ["green", "emerald"],
    },
}
"""Values expressed by an adjective: feature -> value -> synonyms, the plainest first."""

_NOUNS: dict[str, dict[str, list[str]]] = {
    "painting": {
        "portrait": ["a lady", "a woman"],
        "sunflowers": ["sunflowers"],
        "ship": ["a ship", "a sailboat"],
    },
    "view": {
        "sea": ["the sea", "the ocean"],
        "city": ["the city", "the skyline"],
        "mountains": ["the mountains", "the peaks"],
        "garden": ["the garden", "the park"],
    },
    "dish": {
        "pasta": ["pasta", "spaghetti"],
        "salad": ["salad", "lettuce"],
        "steak": ["steak", "beef"],
        "lobster": ["lobster", "shellfish"],
    },
    "drink": {
        "wine": ["a house wine", "a merlot"],
        "beer": ["a beer", "an ale"],
        "cocktail": ["a cocktail", "a martini"],
        "milkshake": ["a milkshake", "a shake"],
    },
    "flowers": {
        "roses": ["roses", "rosebuds"],
        "tulips": ["tulips"],
        "lavender": ["lavender"],
        "daisies": ["daisies"],
    },
}
"""Values expressed by a noun, whose last word identifies them: feature -> value -> synonyms, the plainest first."""

_NOUN_FORMS = {
    "painting": [("painting of {}", "showed {}")],
    "view": [("view of {}", "was of {}"), ("view over {}", "looked over {}")],
    "dish": [("dish of {}", "was {}"), ("{} dish", "turned out to be {}")],
    "drink": [("drink , {}", "was {}")],
    "flowers": [("flowers , all {}", "were all {}"), ("flowers , mostly {}", "were mostly {}")],
}


def _adjectives(feature: str, value: str) -> list[str]:
    return _ADJECTIVES.get(feature, {}).get(value, [])


def _nouns(feature: str, value: str) -> list[str]:
    return _NOUNS.get(feature, {}).get(value, [])


def _wordings(feature: str, value: str) -> list[Wording]:
    verb = "were" if feature in PLURAL else "was"
    return [
        Wording(noun=f"{adjective} {feature}", predicate=f"{verb} {adjective}")
        for adjective in _adjectives(feature, value)
    ] + [
        Wording(noun=noun.format(words), predicate=predicate.format(words))
        for words in _nouns(feature, value)
        for noun, predicate in _NOUN_FORMS[feature]
    ]


WORDINGS: dict[str, dict[str, list[Wording]]] = {
    feature: {value: _wordings(feature, value) for value in values} for feature, values in VALUES.items()
}
"""Feature -> value -> every way to say it, the plainest first."""

VALUE_WORDS: dict[str, dict[str, str]] = {
    feature: {
        words.split()[-1]: value
        for value in values
        for words in _adjectives(feature, value) + _nouns(feature, value)
    }
    for feature, values in VALUES.items()
}
"""Feature -> each word that identifies one of its values -> that value."""
