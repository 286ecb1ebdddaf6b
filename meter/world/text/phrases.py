"""The phrases that sentences are made of; none of them names a value.

``{we}``, ``{our}`` and ``{us}`` stand for the user: "we" or "i".
"""

LIKED, DISLIKED, UNMOVED = "liked", "disliked", "unmoved"

OPENINGS = [
    "honestly ,",
    "to be fair ,",
    "in {our} opinion ,",
    "overall ,",
    "believe it or not ,",
    "for the price ,",
    "this time ,",
    "after a long day ,",
    "on {our} anniversary ,",
    "from the first minute ,",
    "as on {our} last visit ,",
    "in short ,",
    "well ,",
    "once inside ,",
    "on arrival ,",
    "late in the evening ,",
    "{we} must say ,",
    "all in all ,",
    "as far as {we} could tell ,",
    "without any doubt ,",
]

INTERJECTIONS = ["honestly ,", "well ,", "oh ,", "my word ,", "really ,", "goodness ,"]
"""The openings of an exclamation."""

CLOSINGS = {
    LIKED: [
        ", just as {we} had hoped",
        ", a real treat",
        ", worth every penny",
        ", {we} could not ask for more",
        ", ideal for a quiet evening",
        ", highly recommended",
        ", the best part of {our} {stay}",
        ", it made {our} day",
        ", and {we} will be back",
        ", thank you so much",
        ", five stars from {us}",
        ", {we} still talk about it",
        ", a joy from start to finish",
        ", well done",
    ],
    DISLIKED: [
        ", what a pity",
        ", never again",
        ", not worth the price",
        ", {we} expected more",
        ", a real shame",
        ", and {we} will not return",
        ", nobody seemed to care",
        ", far from what {we} had hoped",
        ", the low point of {our} {stay}",
        ", it ruined {our} mood",
        ", {we} would not recommend it",
        ", such a letdown",
        ", please do better",
        ", sadly",
    ],
    UNMOVED: [
        ", nothing more to say",
        ", as in most places",
        ", no surprise there",
        ", much as expected",
        ", it is what it is",
        ", neither good nor bad",
        ", that is all",
        ", like the one at home",
        ", {we} had no complaints",
        ", not that {we} mind",
        ", take it or leave it",
        ", and so it goes",
    ],
}

LOOKS = {
    LIKED: [
        "lovely",
        "charming",
        "beautiful",
        "wonderful",
        "gorgeous",
        "delightful",
        "superb",
        "perfect",
        "stylish",
        "splendid",
        "elegant",
        "amazing",
    ],
    DISLIKED: [
        "awful",
        "ugly",
        "dull",
        "disappointing",
        "tacky",
        "gloomy",
        "boring",
        "terrible",
        "shabby",
        "dreadful",
        "tasteless",
        "depressing",
    ],
    UNMOVED: [
        "ordinary",
        "simple",
        "fine",
        "decent",
        "normal",
        "acceptable",
        "modest",
        "average",
        "standard",
    ],
}

TASTES = {
    LIKED: ["delicious", "tasty", "superb", "perfect", "wonderful", "excellent", "amazing", "heavenly"],
    DISLIKED: ["bland", "awful", "terrible", "disappointing", "tasteless", "dreadful", "sour", "stale"],
    UNMOVED: ["ordinary", "fine", "decent", "normal", "acceptable", "average", "simple"],
}

DEGREES = {
    LIKED: ["really", "so", "truly", "absolutely", "simply", "just"],
    DISLIKED: ["really", "so", "rather", "just", "quite", "truly"],
    UNMOVED: ["quite", "fairly", "just", "rather", "pretty", "perfectly"],
}

FEELINGS = {
    LIKED: ["loved", "adored", "enjoyed", "admired", "liked", "praised"],
    DISLIKED: ["disliked", "hated", "regretted", "could not stand", "never warmed to", "complained about"],
    UNMOVED: [
        "barely noticed",
        "remember",
        "did not mind",
        "could live with",
        "had no problem with",
        "accepted",
    ],
}

EFFECTS = {
    LIKED: [
        "made {our} {stay} special",
        "won {us} over",
        "made {us} smile",
        "stole the show",
        "lifted {our} mood",
        "brightened {our} {stay}",
    ],
    DISLIKED: [
        "spoiled {our} {stay}",
        "put {us} off",
        "let {us} down",
        "made {us} sigh",
        "was not for {us}",
        "cost them a star",
    ],
    UNMOVED: [
        "did the job",
        "left {us} cold",
        "made no difference",
        "played no part",
        "did not bother {us}",
        "served its purpose",
    ],
}

VENUES = {
    "hotel": ["{our} room", "the room", "this hotel", "the suite", "the place"],
    "restaurant": ["{our} table", "the place", "this restaurant", "{our} corner", "this bistro"],
}

KITCHENS = ["this restaurant", "the kitchen", "the waiter", "this bistro", "the chef"]

STAYS = {"hotel": ["stay", "night", "trip", "holiday"], "restaurant": ["evening", "meal", "dinner", "visit"]}

SPEAKERS = [
    {"we": "we", "our": "our", "us": "us"},
    {"we": "i", "our": "my", "us": "me"},
]
