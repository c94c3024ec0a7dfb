"""What goes out of seqgen besides samples: a model's card for the Hub. Knows checkpoints, and no network."""
