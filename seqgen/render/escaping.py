"""Text that may hold anything, as text of a page: markup escaped, what would command the reader's screen shown."""

import html
import unicodedata


def visible(text: str) -> str:
    """Text for HTML: markup escaped, control and direction characters and lone surrogates as their code points."""
    return "".join(_character(character) for character in html.escape(text, quote=True))


def visible_attribute(text: str) -> str:
    """Text for the value of an attribute: escaped, without control characters."""
    return html.escape("".join(it if it.isprintable() else " " for it in text), quote=True)


def _character(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character
    point = ord(character)
    code = f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
    return f'<span class="control">{code}</span>'
