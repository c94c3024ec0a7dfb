"""What goes out of seqgen besides samples: a model as one page, and its card for the Hub. Knows no network."""
