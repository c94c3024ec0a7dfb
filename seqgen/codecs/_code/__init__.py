"""What the codecs of programming languages share: the table of a language, the lexer that it drives, the grammar.

A language is one file in `seqgen.codecs` that holds its table; see `lua.py` for a short one.
"""
