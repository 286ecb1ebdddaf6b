"""The attributes of items: their kind, the features of that kind and the values of each feature."""

HOTEL = "hotel"
RESTAURANT = "restaurant"

_SHARED = {
    "walls": ["white", "blue", "green", "pink"],
    "painting": ["portrait", "sunflowers", "ship", "abstract"],
    "lamp": ["brass", "paper", "iron", "glass"],
}

FEATURES: dict[str, dict[str, list[str]]] = {
    HOTEL: {
        **_SHARED,
        "floor": ["wooden", "tiled", "carpeted", "marble"],
        "bed": ["red", "blue", "yellow", "white"],
        "view": ["sea", "city", "mountains", "garden"],
        "curtains": ["purple", "orange", "turquoise", "lace"],
        "armchair": ["leather", "velvet", "linen", "tartan"],
    },
    RESTAURANT: {
        **_SHARED,
        "tablecloth": ["white", "navy", "checkered", "yellow"],
        "dish": ["pasta", "salad", "steak", "lobster"],
        "drink": ["wine", "beer", "cocktail", "milkshake"],
        "chairs": ["wooden", "black", "red", "green"],
        "flowers": ["roses", "tulips", "lavender", "daisies"],
    },
}
"""Kind -> feature word -> its canonical values. A feature of both kinds has the same values in both."""

VALUES: dict[str, list[str]] = {**FEATURES[HOTEL], **FEATURES[RESTAURANT]}
"""Feature word -> its canonical values, over both kinds."""

VISIT_FEATURES = ("view", "dish", "drink", "flowers")
"""Features whose value may belong to a visit: an item offers several, and the review says which one it was."""
