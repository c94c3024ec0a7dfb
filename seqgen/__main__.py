"""`python -m seqgen` is the `seqgen` command."""

from seqgen.cli import main

main()
