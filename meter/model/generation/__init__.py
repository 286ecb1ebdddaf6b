"""Generation: rating, then text, then picture."""
