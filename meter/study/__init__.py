"""Studies with people: blind pairs of cards, and what their answers say of the systems."""
