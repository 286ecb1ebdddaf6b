"""The sentences of reviews, and the oracle that reads them."""
