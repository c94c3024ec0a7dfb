"""Plays in Markdown, as the speaker's name, a colon, the lines, and a blank line between speeches.

    **HAMLET**                              HAMLET:
    _\\[Aside]_                     →        A little more than kin, and less than kind.
    A little more than kin, and less
    than kind.

Headings and stage directions are left out. What follows a stage direction without a name of its own goes on with the
speech before it; where nobody has spoken in the scene yet, the direction names the speaker ("Enter TIMON, from the
cave"). A prologue without a name is spoken by its heading. What else follows a heading describes the scene.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

NAME = re.compile(r"\*\*([^*\n]+)\*\*\s*(?:\n|$)")
MARKS = re.compile(r"[_*]*+")
EMPHASIS = re.compile(r"_[^_]*_|\*[^*]*\*")
ENTERING = re.compile(r"(?!Enter)[A-Z]\w*(?: [A-Z]\w*)*")
SPOKEN = ("PROLOGUE", "EPILOGUE", "CHORUS")


def files(members: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """One text file a play, in the folder of its member."""
    for name, data in members:
        yield str(PurePosixPath(name).with_suffix(".txt")), play(data.decode("utf-8")).encode("utf-8")


def play(markdown: str) -> str:
    """The speeches of one play."""
    speeches: list[list[str]] = []
    entering = ""  # who speaks next if no name is given; "" while the last speech goes on
    silent = True  # nobody has spoken, and nobody entered, since the heading
    for block in re.split(r"\n(?:[^\S\n]*+\n)++", markdown):
        if block.lstrip().startswith("#"):
            heading = block.strip("# \n.")
            silent = not heading.upper().startswith(SPOKEN)
            entering = "" if silent else heading.upper()
        elif named := NAME.match(block):
            speeches.append([_speaker(named[1]), *_lines(block[named.end() :])])
            entering, silent = "", False
        elif _is_direction(block.strip()):
            if (silent or entering) and (found := ENTERING.search(block)):
                entering, silent = found[0], False
        elif not silent:
            if entering:
                speeches.append([_speaker(entering)])
                entering = ""
            speeches[-1] += _lines(block)
    return "\n\n".join("\n".join(speech) for speech in speeches if len(speech) > 1) + "\n"


def _speaker(name: str) -> str:
    return f"{re.sub(r' +', ' ', name.replace(':', '')).strip()}:"


def _is_direction(block: str) -> bool:
    return len(block) > 1 and block[0] in "_*" and block[-1] in "_*"


def _without_asides(block: str) -> str:
    """A speech without what stands in brackets, nor the emphasis around them, which is not always closed."""
    kept, at = [], 0
    while (begin := block.find("[", at)) >= 0 and (end := block.find("]", begin)) >= 0:
        kept.append(block[at:begin].removesuffix("\\").rstrip("_*"))
        found = MARKS.match(block, end + 1)
        at = found.end() if found else end + 1
    return "".join((*kept, block[at:]))


def _lines(block: str) -> list[str]:
    """The lines of a speech without stage directions, emphasis and Markdown's backslashes."""
    plain = re.sub(r"[_*]", "", EMPHASIS.sub("", _without_asides(block)))
    plain = re.sub(r"\\([^\w\s])", r"\1", plain)
    return [line.strip() for line in plain.splitlines() if line.strip()]
