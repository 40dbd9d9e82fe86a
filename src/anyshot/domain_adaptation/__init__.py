"""Domain adaptation: labels come from a source domain, the work is in a target domain that has none."""
