"""What guests write, and the oracle that reads it."""
