"""From files to a token stream: finding them, reading them, tokenizing them, and not doing it twice.

sources   what the user named → a list of files with labels
reading   a file → pieces of bytes, decompressed and transcoded
building  files → a `.tokens` file, in constant memory, on several processors
cache     the same files → the same `.tokens` file, made once
"""
