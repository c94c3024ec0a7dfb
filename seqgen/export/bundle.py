"""Several plain ES modules as one script: what a page that is a single file needs.

It takes what the modules of `studio/static` are made of, and refuses all else by name:

    import { a, b as c } from "./other.js";     import "./other.js";       each on a line
    export function f …   export class C …   export const x …   export { a, b as c };

Each module becomes a function that is called once, those that it imports before it; blank lines and comments that stand
on lines of their own fall away. Nothing else of the text changes, so that an error in the page can be read.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

IMPORT = re.compile(r'import (?:\{([^{}"]*)\} from )?"(\.[^"]*)";')
DECLARED = re.compile(r"export ((?:async )?(?:function\*?|class|const) )([A-Za-z_$][\w$]*)")
LISTED = re.compile(r"export \{([^{}]*)\};")


class BundleError(ValueError):
    """A module that cannot be bundled; a fault of its author."""


@dataclass(frozen=True)
class _Module:
    """One file.

    Attributes:
        body: Its text without imports and exports.
        imports: [(path, (name there, name here) …)].
        exports: Name outside → name inside.
    """

    body: str
    imports: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    exports: Mapping[str, str]


def bundled(entry: str, read: Callable[[str], str]) -> str:
    """One script, an expression, of a module and all that it imports; its value holds what the module exports.

    Args:
        entry: The text of the module with which the page begins; its imports are relative to the top.
        read: Gives the text of a module by its path from the top, such as `sampler/noise.js`.

    Raises:
        BundleError: A module has a form of import or export that is not taken, imports in a circle, or imports what
            another does not export.
    """
    modules: dict[str, _Module] = {}
    order: list[str] = []
    _visit("", entry, read, modules, order, ())
    number = {path: f"m{place}" for place, path in enumerate(order)}
    written = [f"const {number[path]} = (() => {{\n{_written(modules[path], number)}}})();\n" for path in order]
    return f'(() => {{\n"use strict";\n{"".join(written)}return {number[""]};\n}})()'


def _visit(
    path: str,
    text: str,
    read: Callable[[str], str],
    modules: dict[str, _Module],
    order: list[str],
    above: tuple[str, ...],
) -> None:
    """A module after those that it imports."""
    if path in above:
        raise BundleError(f"{' → '.join([*above, path])}: modules import each other in a circle")
    if path in modules:
        return
    module = _parsed(path, text)
    for target, names in module.imports:
        _visit(target, "" if target in modules else read(target), read, modules, order, (*above, path))
        for name, _ in names:
            if name not in modules[target].exports:
                raise BundleError(f"{path}: imports {name}, which {target} does not export")
    modules[path] = module
    order.append(path)


def _parsed(path: str, text: str) -> _Module:
    body: list[str] = []
    imports: list[tuple[str, tuple[tuple[str, str], ...]]] = []
    exports: dict[str, str] = {}
    for line in _lines(text):
        if found := IMPORT.match(line):
            imports.append((_target(path, found[2]), _pairs(found[1] or "")))
        elif found := LISTED.match(line):
            exports |= {outside: inside for inside, outside in _pairs(found[1])}
        elif found := DECLARED.match(line):
            exports[found[2]] = found[2]
            body.append(line.removeprefix("export "))
        elif line.startswith(("import ", "export ")) or "import(" in line or "import.meta" in line:
            raise BundleError(f"{path or 'the entry'}: {line[:60]!r} is no import or export that can be bundled")
        else:
            body.append(line)
    return _Module("".join(f"{line}\n" for line in body), tuple(imports), exports)


def _lines(text: str) -> Iterator[str]:
    """The lines without those that are nothing but a comment."""
    inside = False
    for line in text.split("\n"):
        bare = line.strip()
        inside = inside or bare.startswith("/*")
        if not (inside or bare.startswith("//") or not bare):
            yield line
        inside = inside and not bare.endswith("*/")


def _target(path: str, given: str) -> str:
    """The path from the top of what a module at `path` calls `given`."""
    parts = path.split("/")[:-1]
    for part in given.split("/"):
        if part == "..":
            if not parts:
                raise BundleError(f"{path or 'the entry'}: {given!r} leads out of the folder")
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """(name, name after `as`) of a list in braces."""
    pairs = []
    for item in text.split(","):
        if words := item.split():
            pairs.append((words[0], words[-1]))
    return tuple(pairs)


def _written(module: _Module, number: Mapping[str, str]) -> str:
    lines = [f"const {{ {_named(names)} }} = {number[path]};\n" for path, names in module.imports if names]
    told = _named(module.exports.items())
    return f"{''.join(lines)}{module.body}return {{ {told} }};\n"


def _named(pairs: Iterable[tuple[str, str]]) -> str:
    """The inside of an object, or of a pattern that takes one apart."""
    return ", ".join(name if name == value else f"{name}: {value}" for name, value in pairs)
