"""Sampling as a whole: a checkpoint, a prompt and rules in, samples shown, written and kept."""
