"""Domain adaptation that trains a network."""
