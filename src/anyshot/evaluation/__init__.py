"""Evaluation: how good the answers are, how far to trust them, what more labels would bring; knows no method."""
