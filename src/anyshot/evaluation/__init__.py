"""Evaluation: how good an answer is; knows no method."""
