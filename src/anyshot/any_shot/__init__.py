"""The any-shot model: a prior made of what is known of the classes, moved by however many labels there are."""
