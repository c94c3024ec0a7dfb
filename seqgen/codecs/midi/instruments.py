"""Which General MIDI program the name of a part means, where it clearly names one. Knows a few languages of scores."""

import re

from seqgen.codecs.midi.score import DRUMS

_VOICE = 52  # choir aahs
# The first pattern that matches the beginning of a word wins, so what is narrower stands first. A name such as
# "Alto Flute" is an instrument, but "Soprano, Oboe 1, Violin 1" is a voice that instruments double.
_PATTERNS = tuple(
    (re.compile(rf"\b(?:{pattern})", re.I), program)
    for pattern, program in (
        (r"soprano sax", 64), (r"alto sax", 65), (r"tenor sax", 66), (r"bari\w{0,20} sax", 67),
        (r"bass clarinet", 71), (r"(alto|bass) flute", 73), (r"(soprano|alto|tenor|bass) recorder", 74),
        (r"(alto|tenor|bass) trombone", 57), (r"bass tuba", 58), (r"bass drum", DRUMS), (r"bass viol", 43),
        (r"bass guitar|electric bass", 33), (r"(acoustic|string|double|upright) bass", 43),
        (r"voice|voci|vocal|choir|chor\b|chorus|coro\b|canto|cantus|quint[ou]s?\b|sext[ou]s\b", _VOICE),
        (r"^[satb]\s*$", _VOICE),  # alone, as in "S."
        (r"soprano|sopran\b|mezzo|contralto|alto\b|altus|alt\b|tenore?\b|bariton|basso?\b|bassus", _VOICE),
        (r"violoncell|cell[oi]\b", 42), (r"contrabass|contrebass|kontrabass|violone\b", 43),
        (r"viole?\b|viola|bratsche", 41), (r"violin|violon\b|geige", 40), (r"fiddle", 110),
        (r"english horn|corno inglese|cor anglais|oboe da caccia", 69), (r"obo[ei]|hautbois", 68),
        (r"clarinet|klarinette", 71), (r"bassoon|fagott|basson\b", 70), (r"piccolo|flauto piccolo", 72),
        (r"recorder|flauto dolce|blockfl", 74), (r"flute|flaut[oi]|flöte|fl\u00fbte|travers", 73),
        (r"trumpet|tromb[ae]\b|clarin[oi]\b|trompete|cornett?\b", 56), (r"trombon|posaune", 57), (r"tuba\b", 58),
        (r"horn\b|horns\b|corn[oi]\b|cor\b", 60), (r"timpan|pauke|kettle", 47), (r"drum|percussion", DRUMS),
        (r"harpsichord|cembalo|clavecin", 6), (r"organ|orgel|continuo|orgue", 19), (r"harp\b|harfe", 46),
        (r"piano|klavier", 0), (r"guitar|lute\b|gitarre|liuto|theorb", 24), (r"accordion", 21), (r"celest", 8),
        (r"strings|archi\b", 48), (r"saxophone", 65),
    )
)  # fmt: skip


def guess_program(name: str) -> int:
    """The program that a part's name stands for: by its first known word; 0 (piano) where there is none."""
    spaced = re.sub(r"[\W\d_]+", " ", name)
    found = [(match.start(), rank, program) for rank, (pattern, program) in enumerate(_PATTERNS)
             if (match := pattern.search(spaced))]  # fmt: skip
    return min(found)[2] if found else 0
