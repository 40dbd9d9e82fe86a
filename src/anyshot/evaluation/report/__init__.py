"""The report: one HTML page on how good a model is, where it fails and what more labels would bring."""
