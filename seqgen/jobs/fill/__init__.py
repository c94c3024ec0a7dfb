"""Holes filled, parts added, pieces varied: what `seqgen fill`, `seqgen accompany` and `seqgen vary` do."""
