"""The 388 tokens of Performance RNN and what they stand for. Times are counted in steps of 10 ms."""

ON, OFF, SHIFT, VEL = 0, 128, 256, 356
SIZE = 388
SECOND = SHIFT + 99  # the longest shift, of 100 steps
LONGEST_REST = 60  # seconds between two events; longer ones are cut


def names() -> list[str]:
    """(SIZE,) readable token names."""
    return [
        *(f"ON_{pitch}" for pitch in range(128)),
        *(f"OFF_{pitch}" for pitch in range(128)),
        *(f"SHIFT_{10 * steps}ms" for steps in range(1, 101)),
        *(f"VEL_{index}" for index in range(32)),
    ]
