"""Readers of raw reviews and photo manifests, one file per format."""
