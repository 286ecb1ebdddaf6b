"""Parts of ``scripts/scale.py``."""
