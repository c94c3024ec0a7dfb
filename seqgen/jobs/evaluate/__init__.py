"""Evaluation as a whole: checkpoints and a corpus in, numbers and pages out."""
