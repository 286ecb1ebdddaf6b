"""Readers of raw reviews, one a format."""
