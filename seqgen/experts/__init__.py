"""What predicts the next token without the network: counts of the corpus and of the document so far, and their mixing.

    corpus     an n-gram model of the training documents, pruned to a size, as compact arrays
    pruning    which n-grams of it are kept
    document   an n-gram model of the document up to here, which grows with it
    gate       how much each is heard, by how much it knows at the place
    mixing     these three joined: what a checkpoint holds beside its weights

It knows ids only, needs numpy only, and never imports torch.
"""
