"""Training: the one loop, and the plain functions it is given."""
