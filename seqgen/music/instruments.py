"""Which General MIDI program the name of a part means, where it clearly names one. Knows a few languages of scores."""

import re

from seqgen.music.score import DRUMS

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


# The General MIDI percussion keys that a name clearly means; what is narrower stands first.
_DRUMS = tuple(
    (re.compile(rf"\b(?:{pattern})", re.I), key)
    for pattern, key in (
        (r"snare|side drum|rullante|caisse claire|kleine trommel|tamburo|tambour\b", 38),
        (r"bass drum|kick|gran cassa|grosse caisse|gro(ß|ss)e trommel", 36), (r"open hi ?hat", 46),
        (r"pedal hi ?hat|hi ?hat with foot", 44), (r"hi ?hat|charleston", 42), (r"ride", 51), (r"crash", 49),
        (r"splash", 55), (r"cymbal|piatti|becken|cinelli", 49), (r"rim ?shot|side ?stick|cross ?stick", 37),
        (r"hand ?clap|clap", 39), (r"floor tom|low tom", 43), (r"high tom|hi tom", 50), (r"tom", 47),
        (r"tambourine|tamburin|schellentrommel", 54), (r"cow ?bell", 56), (r"triangle|triangolo|triangel", 81),
        (r"wood ?block|temple block|holzblock", 76), (r"claves", 75), (r"castanet|nacchere|kastagnetten", 85),
        (r"maracas", 70), (r"shaker|cabasa", 69), (r"guiro", 73), (r"whistle", 71), (r"agogo", 67), (r"bongo", 60),
        (r"conga", 63), (r"timbale", 65), (r"cuica", 78), (r"surdo", 86), (r"sleigh ?bells|jingle", 83),
        (r"tam ?tam|gong", 52),
    )
)  # fmt: skip


def guess_drum(name: str) -> int:
    """The key of the percussion channel that a name stands for; 0 where it names none."""
    spaced = re.sub(r"[\W\d_]+", " ", name)
    return next((key for pattern, key in _DRUMS if pattern.search(spaced)), 0)
