"""Training: a token stream and a fresh network in, a run folder with a checkpoint out. Knows ids, not media."""
