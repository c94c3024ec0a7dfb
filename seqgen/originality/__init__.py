"""Originality: how much of a sample already stands in the training corpus, and how to keep it from being more.

    index      every suffix of the training stream in order, in one memory-mapped file beside the checkpoint
    measuring  the longest verbatim run of a sample, where it stands, and the share of its n-grams that are new
    copying    while sampling: refuse the token that would make a verbatim run longer than N

It knows ids only, and neither models nor codecs. What counts as the same is decided before: an index may be built
over any function of the ids, such as intervals instead of pitches, if samples are seen through the same function.
"""
