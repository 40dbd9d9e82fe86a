"""Inputs as people have them, by subject: what goes in, and what must come out."""
