"""`seqgen jam`: a model as an instrument, from settings to a session that is kept."""
