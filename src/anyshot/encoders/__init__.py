"""Encoders: raw items in, unit-length vectors out."""
