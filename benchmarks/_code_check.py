"""Whether brackets, literals, comments and blocks of eight languages match: it shares nothing with the grammar.

Comments and literals are cut out by one regular expression a language; the brackets, and words of Lua, of what remains
have to cancel. JavaScript is read token by token, as a slash is either; Python by its own tokenizer, which knows its
indentation.
"""

import io
import re
import tokenize

BLOCK = r"/\*.*?\*/|//[^\n]*"
DOUBLE = r'"(?:\\.|[^"\\\n])*"'
SINGLE = r"'(?:\\.|[^'\\\n])*'"
RUST_RAW = r'\b(?:b|c)?r(?P<hashes>\#*)".*?"(?P=hashes)|(?P<open>\b(?:b|c)?r\#*")'
RUST_TEXT = r'"(?:\\.|[^"\\])*"' + r"|'(?:\\.[^'\\\n]*(?:\\.[^'\\\n]*)*|[^'\\\n])'"
LONG = r"\[(?P<level>=*)\[.*?\](?P=level)\]"
CUTS = {
    "cpp": r"//(?:\\.|[^\n\\])*|/\*.*?\*/|"
    rf'\b(?:u8|[uUL])?R"(?P<fence>[^()\s\\]{{0,16}})\(.*?\)(?P=fence)"'
    rf'|(?P<open>\bR"[^()\s\\]{{0,16}}\()|(?<![\w.])\d[\w.\']*|{DOUBLE}|{SINGLE}',
    "java": rf'"""(?:\\.|[^\\])*?"""|(?P<open>""")|{BLOCK}|{DOUBLE}|{SINGLE}',
    "csharp": rf'(?P<quotes>"{{3,}})(?s:.*?)(?P=quotes)|(?P<open>"{{3,}})'
    rf'|(?:@\$?|\$@)"(?:""|[^"])*"|{BLOCK}|{DOUBLE}|{SINGLE}',
    "go": rf"`[^`]*`|{BLOCK}|{DOUBLE}|{SINGLE}",
    "rust": rf"{RUST_RAW}|//[^\n]*|{RUST_TEXT}",
    "lua": rf"\#![^\n]*|{LONG}|{DOUBLE}|{SINGLE}"
    r"|--\[(?P<dashes>=*)\[.*?\](?P=dashes)\]|(?P<open>(?:--)?\[=*\[)|--[^\n]*",
}

VALUE, OPERATOR, HEAD, LEAD = "value", "operator", "head", "lead"  # what words of JavaScript are to what follows
HEADS = ("if", "while", "for", "with")
OPERATORS = {"return", "typeof", "instanceof", "in", "of", "new", "delete", "void", "throw", "case", "yield", "await"}
OPERATORS |= {"export", "import", "default", "extends"}
BEFORE_OBJECTS = (OPERATOR, "...", *"=([,?&|!+-*%^~<")
JAVASCRIPT = re.compile(
    rf"(?P<blank>\s+|\#![^\n]*|{BLOCK})|(?P<value>{DOUBLE}|{SINGLE}|\.?\d[\w.]*)|(?P<word>[\w$]+)"
    r"|\+\+|--|=>|\?\.|\.\.\.|</|(?!/\*)[^\s\w\"']",
    re.DOTALL,
)
REGEX = re.compile(r"(?:\\[^\n]|\[(?:\\[^\n]|[^\]\\\n])*\]|[^/\\\n\[])+/")
TEMPLATE = re.compile(r"(?:\\.|\$(?!\{)|[^`\\$])*(?:`|(?P<hole>\$\{))", re.DOTALL)


def balanced(language: str, text: str) -> bool:
    """Whether everything that opens in a text closes in its turn."""
    if language == "python":
        return _python(text)
    if language == "rust":
        text = _without_nested(text)
    if language == "javascript":
        return _javascript(text)
    code = re.sub(CUTS[language], _cut, text, flags=re.DOTALL | re.MULTILINE)
    if language in ("cpp", "csharp"):
        readings = _readings(code)
        return readings is not None and all(map(_cancels, readings))
    if language == "lua":
        code = re.sub(r"\bend\b|\buntil\b", "}", re.sub(r"\b(?:function|if|do|repeat)\b", "{", code))
    if language == "rust":
        code = re.sub(r"'(?=\w)", " ", code)  # lifetimes
    return _cancels(code)


def _cut(match: re.Match[str]) -> str:
    """What stands for a literal or comment: a space, or a bracket that nothing closes where it does not end."""
    return "(" if match.groupdict().get("open") else " "


def _cancels(code: str) -> bool:
    if re.search(r"[\"'`]|/\*", code):
        return False
    brackets = re.sub(r"[^()\[\]{}]", "", code)
    while (shorter := re.sub(r"\(\)|\[\]|\{\}", "", brackets)) != brackets:
        brackets = shorter
    return not brackets


def _readings(code: str) -> list[str] | None:
    """The code with the first branch of each conditional, and with the last one; None where they do not match."""
    found = []
    for last in (False, True):
        kept: list[str] = []
        open_: list[list[list[str]]] = []
        for line in code.replace("\\\n", " ").split("\n"):
            if not (match := re.match(r"\s*#\s*(\w*)", line)):
                (open_[-1][-1] if open_ else kept).append(line)
            elif match[1] in ("if", "ifdef", "ifndef"):
                open_.append([[]])
            elif match[1] in ("else", "elif", "elifdef", "elifndef"):
                if not open_:
                    return None
                open_[-1].append([])
            elif match[1] == "endif":
                if not open_:
                    return None
                branches = open_.pop()
                (open_[-1][-1] if open_ else kept).extend(branches[-1 if last else 0])
        if open_:
            return None
        found.append("\n".join(kept))
    return found


def _without_nested(text: str) -> str:
    """Rust without its comments that hold comments; what looks so in a literal is none."""
    kept, depth, at = [], 0, 0
    pattern = re.compile(rf"/\*|\*/|//[^\n]*|{RUST_RAW}|{RUST_TEXT}", re.DOTALL)
    while match := (pattern if not depth else re.compile(r"/\*|\*/")).search(text, at):
        kept.append(text[at : match.end()] if not depth and match[0] not in ("/*", "*/") else "")
        if not depth and match[0] in ("/*", "*/"):
            kept.append(text[at : match.start()])
        depth, at = depth + {"/*": 1, "*/": -1}.get(match[0], 0), match.end()
        if depth < 0:
            return "("
    return "(" if depth else "".join(kept) + text[at:]


def _javascript(text: str) -> bool:
    """Whether brackets and literals of JavaScript match, token by token: the one before says what a slash is."""
    opened: list[tuple[str, str, bool]] = []  # (bracket, what stood before it, whether it is that of an object)
    before, newline, at = ";", False, 0
    while at < len(text):
        if (match := JAVASCRIPT.match(text, at)) is None:
            return False
        token, at = match[0], match.end()
        if match["blank"]:
            newline = newline or "\n" in token
            continue
        if match["value"]:
            now = VALUE
        elif match["word"]:
            now = VALUE if before in (".", "?.") else HEAD if (token, before) == ("await", HEAD) else _word(token)
        elif token == "/" and before != VALUE and not (before == "}" and text[at : at + 1] == ">"):
            if (match := REGEX.match(text, at)) is None:
                return False
            now, at = VALUE, match.end()
        elif token == "`" or (token == "}" and opened and opened[-1][0] == "${"):
            if (match := TEMPLATE.match(text, at)) is None:
                return False
            del opened[len(opened) - (token == "}") :]
            now, at = VALUE, match.end()
            if match["hole"]:
                opened.append(("${", "", False))
                now = "("
        elif token in ("(", "[", "{"):
            held = bool(opened) and (opened[-1][0] != "{" or opened[-1][2])  # what `:` means here
            opened.append((token, before, token == "{" and (before in BEFORE_OBJECTS or (before == ":" and held))))
            now = token
        elif token in (")", "]", "}"):
            if not opened or opened[-1][0] + token not in ("()", "[]", "{}"):
                return False
            _, ahead, is_object = opened.pop()
            now = "}" if token == "}" and not is_object else LEAD if token == ")" and ahead == HEAD else VALUE
        else:
            kept = token == "</" or (before == VALUE and (token in ("++", "--") or (token == "!" and not newline)))
            now = before if kept else token
        before, newline = now, False
    return not opened


def _word(word: str) -> str:
    return HEAD if word in HEADS else LEAD if word in ("do", "else") else OPERATOR if word in OPERATORS else VALUE


def _python(text: str) -> bool:
    """Whether Python's own tokenizer reads it, and brackets cancel."""
    brackets = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.OP and token.string in "()[]{}":
                brackets += token.string
            if token.type == tokenize.ERRORTOKEN and token.string in "\"'":
                return False
    except (tokenize.TokenError, IndentationError):
        return False
    return _cancels(brackets)
