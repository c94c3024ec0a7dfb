"""`seqgen look`: from a checkpoint and a text to a page about what goes on inside."""
