"""Sharing a run: a folder in the form of the Hugging Face Hub, its model card, and opening it again."""

from meter.export.bundle import check_files, write_bundle
from meter.export.hub import locate_run

__all__ = ["check_files", "locate_run", "write_bundle"]
