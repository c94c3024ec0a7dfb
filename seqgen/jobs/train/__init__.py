"""Training as a whole: from a corpus and what was asked for to a run folder, and what is said on the way."""
