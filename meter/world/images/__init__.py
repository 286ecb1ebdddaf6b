"""What photos show, and the oracle that reads them."""
