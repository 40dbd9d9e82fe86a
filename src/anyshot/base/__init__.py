"""Shared by all packages: validation, items and labels, images, saved models, progress."""
