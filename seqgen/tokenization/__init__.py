"""From files to a token stream and back: finding them, reading them, tokenizing them, and not doing it twice.

settings   how files are to become tokens, as it was asked for, in one value
sources    what the user named → a list of files with labels
selecting  which of them a codec reads; by `sniffing`, what a file is; `telling` says what was left out
reading    a file → pieces of bytes, decompressed and, by `text`, transcoded
planning   codec, labels and settings, where the user left them open
records    tables → documents with labels, by field
fitting    files → a codec that learned from them, and their labels
building   files → a `.tokens` file, in constant memory; `cutting` makes the parts, `pool` encodes them
sharding   a part of a plan, and the parts joined; `dask_engine` spreads them over machines
cache      the same files → the same `.tokens` file, made once
meaning    a `.tokens` file → the tokenizer that made it
restoring  a `.tokens` file → files
"""
