"""The key of music by ear: which key's profile is most like how often each pitch class was played.

Source of the profiles: Krumhansl, C. L. & Kessler, E. J. (1982), "Tracing the dynamic changes in perceived tonal
organization", Psychological Review 89, p. 343, figure 2.
"""

from functools import lru_cache

import numpy as np

MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)

Key = tuple[int, bool]  # the tonic's pitch class, and whether the mode is minor


@lru_cache(maxsize=1024)
def heard_key(heard: tuple[int, ...]) -> Key:
    """The key whose profile correlates best with (12,) counts of pitch classes."""
    counts = np.array(heard, float)
    fits = [
        (
            float(np.dot(np.roll(np.array(profile) - np.mean(profile), tonic), counts)) / float(np.std(profile)),
            tonic,
            minor,
        )
        for minor, profile in ((False, MAJOR), (True, MINOR))
        for tonic in range(12)
    ]
    _, tonic, minor = max(fits)
    return tonic, minor


def key_of(counts: tuple[int, ...]) -> tuple[int, bool]:
    """(fifths from −5 to 6, whether minor) of the key that (12,) counts of pitch classes sound like."""
    tonic, minor = heard_key(counts)
    major = (tonic + 3) % 12 if minor else tonic  # the major key of the same signature
    fifths = 7 * major % 12
    return (fifths - 12 if fifths > 6 else fifths), minor


def triad(key: Key) -> list[int]:
    """The pitch classes of the chord on the tonic, the tonic first."""
    tonic, minor = key
    return [tonic, (tonic + (3 if minor else 4)) % 12, (tonic + 7) % 12]
