"""The package's version: written into everything that it stores."""

__version__ = "0.1.0"
