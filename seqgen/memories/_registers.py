"""What `lookahead` keeps of what is told: where a stream stands, and the tokens behind <suffix>, in whole numbers."""

AHEAD = 16  # tokens behind <suffix> that are kept
STANDS, COUNT, KEPT = range(3)  # of a register: where it stands, how many tokens are kept, 1 + the first of them
SIGNS_KNOWN = 5  # <suffix>, <prefix>, <end>, <given>, <made>

# Where a stream stands: in plain order, behind <suffix>, behind <prefix>; in a bar that is given, in one that is given
# right behind another, in one that is made. The first bar that is made and the last, with no new bar given before it,
# are one bar nearer to what is given of them than all others.
NOWHERE, LOADING, HOLE, GIVEN, TWICE, MADE, NEAR = range(7)
LAGS_OF_GIVEN = {MADE: 3, NEAR: 2}  # bars

BACK, FORTH = 8, 4  # tokens read of what is given: the last one at this place and before, and those that follow
READ = BACK + FORTH
