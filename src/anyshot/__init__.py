"""anyshot: train with the labels you have: none, one, a few, or many."""

__version__ = "0.1.0"
