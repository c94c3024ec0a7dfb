"""What `lookahead` keeps of what is told: where a stream stands, and the tokens behind <suffix>, in whole numbers."""

AHEAD = 16  # tokens behind <suffix> that are kept
NOWHERE, LOADING, HOLE, MADE = range(4)  # where a stream stands: in plain order, behind <suffix>, <prefix>, <made>
STANDS, COUNT, KEPT = range(3)  # of a register: where it stands, how many tokens are kept, 1 + the first of them
SIGNS_KNOWN = 5  # <suffix>, <prefix>, <end>, <given>, <made>

GIVEN_LAG = 3  # bars between one that is made and the same bar as it is given: the next one that is given lies between
BACK, FORTH = 8, 4  # tokens read of it: the last one at this place and before, and those that follow
READ = BACK + FORTH
