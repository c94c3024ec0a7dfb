"""What `lookahead` keeps of what follows a hole: a register of whole numbers for each stream."""

AHEAD = 16  # tokens behind <suffix> that are kept
NOWHERE, LOADING, HOLE = range(3)  # where a stream stands: in plain order, behind <suffix>, behind <prefix>
STANDS, COUNT, KEPT = range(3)  # of a register: where it stands, how many tokens are kept, 1 + the first of them
