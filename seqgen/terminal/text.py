"""What may reach a terminal: a generated escape sequence must not command it."""

import unicodedata

KEPT = "\n\t\u200c\u200d"  # joiners shape letters, and command nothing
LINE, BEGIN, END = 1_200, 800, 200  # characters: a longer line is cut to its beginning and its end
HARMFUL = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}  # controls, bidi and other format characters, surrogates, separators


def harmless(text: str) -> str:
    r"""`text` with control and format characters spelled out: ESC becomes `\x1b`, a bidi override `\u202e`."""
    return "".join(
        character if character in KEPT or unicodedata.category(character) not in HARMFUL else _spelled(character)
        for character in text
    )


def brief(text: str) -> str:
    """`text` whose lines have LINE characters at most: names and numbers may be of any length."""
    lines = text.split("\n")
    return "\n".join(line if len(line) <= LINE else f"{line[:BEGIN]} … {line[-END:]}" for line in lines)


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def width_of(text: str) -> int:
    """Columns on a terminal: East Asian wide characters take two, marks that combine none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)
