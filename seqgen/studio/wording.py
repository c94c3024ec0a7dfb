"""Sentences of jobs, which speak of the command line, in terms of the room Fill.

What is known is said with the names that its fields have; of what is not, no flag is shown: a hint with one is left
out, a sentence says its name as a word.
"""

import re

from seqgen.errors import SeqgenError

KNOWN = (
    ("take what stands before the hole alone: --left-alone", "tick “Read what stands before it alone”"),
    ("train with -P infill 0.3", "train with “So that it can fill holes, too”"),
    ("fill it by seconds (seqgen fill --seconds), or train one of music with -c midi_bar",
     "mark a box for “What is marked”, or choose a model whose codec is midi_bar"),
    ("train one of music with -c midi, or -c midi_bar", "choose a model whose codec is midi or midi_bar"),
    ("seqgen generate --prompt-file goes on behind its end", "Play goes on behind the end of a piece"),
    ("train with a longer -P infill_span", "train with a longer infill_span"),
    ("give --bars 5:8, --seconds 12.5:20, or --parts bass",
     "mark a box on the roll, or say from which bar to which"),
    ("put {{fill}} where something is wanted, or give --lines 10:20", "mark what is to be made anew"),
    ("such as --parts alto,tenor,bass", "tick some of them"),
    ("name the bars: --bars 5:8", "say from which bar to which"),
    ("parts are written to the others: leave it out", "untick the parts, or “Read what stands before it alone”"),
    ("--left-alone goes with --bars and --seconds, not with --parts",
     "parts are not made from what stands before them alone"),
    ("drop the file, or pass -P skip_bad true", "choose another file"),
    ("; --label chooses", ""),
)  # fmt: skip
FLAG = re.compile(r"(?<![\w-])--?([A-Za-z][\w-]*)")


def worded(text: str) -> str:
    """A sentence without flags."""
    return FLAG.sub(lambda flag: flag[1].replace("-", " "), _known(text))


def on_page(error: SeqgenError) -> SeqgenError:
    """An error in terms of the page."""
    hint = _known(error.hint)
    return type(error)(worded(error.message), "" if FLAG.search(hint) else hint)


def _known(text: str) -> str:
    for said, instead in KNOWN:
        text = text.replace(said, instead)
    return text
