"""Evaluation: how well a model predicts a token stream, and how well counting alone would. Knows ids, not media."""

from typing import Literal, TypeAlias

Average: TypeAlias = Literal["probabilities", "logits"]  # of what the prediction of an ensemble is the mean
