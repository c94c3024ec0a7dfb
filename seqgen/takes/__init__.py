"""Takes: everything that was ever sampled, kept so that it can be made again byte by byte.

    record    what a take is, and the fingerprint that names it
    store     the SQLite file that holds them
    recorder  a take while it grows
    replay    a stored take as the bytes that it was
    exchange  takes as lines of JSON, for another machine

A take holds its tokens, not only its seed, and its tokenizer is stored once for each checkpoint: to replay one needs
neither the checkpoint nor the engine that made it. This room knows ids and tokenizers, no models.
"""
