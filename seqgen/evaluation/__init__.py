"""Evaluation: how well a model predicts a token stream, and how well counting alone would. Knows ids, not media."""
