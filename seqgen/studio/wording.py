"""Sentences of jobs, which speak of the command line, in terms of the page.

What is known is said anew, with the names of rooms and fields. In the rest a flag becomes the name of its field. A part
of a hint or a remark that names a flag without a field is left out; an error's sentence keeps all its parts, and says
the flag's name as a word.
"""

import re
from collections.abc import Mapping
from typing import Any

from seqgen.errors import SeqgenError

KNOWN = (  # as jobs say it: as the page says it
    # Fill
    ("take what stands before the hole alone: --left-alone", "tick “Read what stands before it alone”"),
    ("train with -P infill 0.3", "train with “So that it can fill holes, too”"),
    ("train both with -P infill", "train both with “So that it can fill holes, too”"),
    ("fill it by seconds (seqgen fill --seconds), or train one of music with -c midi_bar",
     "mark a box for “What is marked”, or choose a model whose codec is midi_bar"),
    ("train one of music with -c midi, or -c midi_bar", "choose a model whose codec is midi or midi_bar"),
    ("seqgen generate --prompt-file goes on behind its end", "Play goes on behind the end of a piece"),
    ("give --bars 5:8, --seconds 12.5:20, or --parts bass",
     "mark a box on the roll, or say from which bar to which"),
    ("put {{fill}} where something is wanted, or give --lines 10:20", "mark what is to be made anew"),
    ("such as --parts alto,tenor,bass", "tick some of them"),
    ("name the bars: --bars 5:8", "say from which bar to which"),
    ("parts are written to the others: leave it out", "untick the parts, or “Read what stands before it alone”"),
    ("--left-alone goes with --bars and --seconds, not with --parts",
     "parts are not made from what stands before them alone"),
    # Train
    ("To go on, give it more in all: --minutes, --epochs or --steps.", "To go on, give it more “Minutes in all”."),
    ("Ctrl-C stops and saves.", "Stop ends it, and all is saved."),
    ("add more files, hold out more (-P validation 0.3), or give another corpus with --val",
     "add more files, or hold out more: validation 0.3 among “All settings”"),
    ("; -c names another", "; “Codec” names another"),
    (", or a smaller model (--preset tiny)", ", or choose the size tiny"),
    ("give it more time (--minutes)", "give it more minutes"),
    ("it needs more time (--minutes)", "it needs more minutes"),
    (", one kind alone, or --val with texts of your choice", ", or one kind alone"),
    ("go on with it by --resume", "go on with it under “Go on with a run”"),
    ("leave --resume out to begin one", "press Train to begin one"),
    ("begin a run under another -o, from its best model so far, if it has one, by --from",
     "begin a run under another name; its best model so far, if it has one, is"),
    ("leave SOURCE out to go on with its own, or begin a run under another -o by --from",
     "begin a run under another name: this one goes on with its own files. It is"),
    ("another -o", "another name"),
    ("seqgen train -P help lists them", "they are listed under “All settings”"),
    ("--documents says where a document ends; with file the whole file is one", "cut the file into smaller ones"),
    ("--encoding names what they are in", "save them as UTF-8"),
    ("--encoding auto reads each file in its own", "save them as UTF-8"),
    ("codec byte takes any file: -c byte", "codec byte takes any file"),
    ("-c char reads any text", "The codec char reads any text"),
    ("drop the file, or pass -P skip_bad true", "leave that file out"),
    # Takes, models, and what all rooms say
    ("; --label chooses", ""),
    ("seqgen takes list shows those there are", "the room Takes shows those there are"),
    ("make one with: seqgen generate CHECKPOINT", "make one in the room Play"),
    ("train one with: seqgen train FOLDER -o checkpoints/NAME", "train one in the room Train"),
    ("point SEQGEN_TAKES elsewhere, or generate with --no-take", "set SEQGEN_TAKES to another place"),
)  # fmt: skip
PATTERNS = (
    (re.compile(r"(?:try|pass) --encoding [\w.-]+"), "save it as UTF-8"),
    (re.compile(r"give its end: tail .*"), "give its end"),
    (re.compile(r"make text: pandoc .*"), "make a text file of it first"),
    (re.compile(r"(?:Next|Go on with): seqgen .*"), ""),  # which the page has buttons for
    (re.compile(r"(?<![\w-])-[Pr] (?=\w)"), ""),  # settings and rules are called on the page as they are there
)
FIELDS = {
    "c": "codec", "m": "cell", "model": "cell", "preset": "size", "length": "“Tokens at most”", "p": "“Go on from”",
    "prompt": "“Go on from”", "prompt-file": "a piece to go on from",
}  # fmt: skip
FIELDS |= {
    name: name.replace("-", " ")
    for name in (
        "minutes", "seed", "codec", "temperature", "density", "key", "scale", "meter", "label", "instruments", "tempo",
        "bars", "seconds", "parts", "velocity", "transpose",
    )
}  # fmt: skip
FLAG = re.compile(r"(?<![\w'\"“/.-])--?([A-Za-z][\w-]*)")
SENTENCE = re.compile(r"(?<=[.!?]) +")
PART = re.compile(r"; |, or | or (?=[^,;]*--?[A-Za-z])")


def worded(text: str) -> str:
    """A hint or a remark without flags; "" where nothing is left of it."""
    known = _known(" ".join(text.split()))
    if not FLAG.search(known):
        return known
    sentences = SENTENCE.split(known)
    return " ".join(kept for each in sentences if (kept := _kept(each)))


def on_page(error: SeqgenError) -> SeqgenError:
    """An error in terms of the page."""
    return type(error)(_message(error.message), worded(error.hint))


def worded_event(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """An event that a job tells of itself, in terms of the page; None where nothing is left of a remark."""
    said = dict(event)
    if "message" in said:
        said["message"] = (_message if said["event"] == "error" else worded)(said["message"])
        if not said["message"]:
            return None
    if "hint" in said:
        said["hint"] = worded(said["hint"])
    if "said" in said:
        said["said"] = [kept for each in said["said"] if (kept := worded(each))]
    if "rows" in said:
        said["rows"] = [(key, kept) for key, value in said["rows"] if (kept := worded(value))]
    return said


def _known(text: str) -> str:
    for said, instead in KNOWN:
        text = text.replace(said, instead)
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return text


def _message(text: str) -> str:
    return FLAG.sub(lambda flag: FIELDS.get(flag[1], flag[1].replace("-", " ")), _known(text))


def _kept(sentence: str) -> str:
    """A sentence without the parts that name a flag without a field."""
    end = sentence[-1:] if sentence[-1:] in ".!?" else ""
    parts, marks = PART.split(sentence.removesuffix(end)), [*PART.findall(sentence.removesuffix(end))]
    found = ""  # an "or" that is the first word now is none
    for mark, part in zip(["", *marks], parts):
        if all(flag in FIELDS for flag in FLAG.findall(part)):
            found += mark + _message(part) if found else _message(part).removeprefix("or ")
    return found + end if found.strip() else ""
