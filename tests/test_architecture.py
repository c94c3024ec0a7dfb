"""The house rules that code must keep: which room may import which, no pickle, small files, nothing foreign."""

import ast
import graphlib
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seqgen import cells

PACKAGE = Path(__file__).parent.parent / "seqgen"
FILES = sorted(PACKAGE.rglob("*.py"))

# Each room, and the rooms and modules of seqgen that it may import besides itself.
BASIC = {"errors", "files", "settings", "registry", "report", "arguments", "__init__"}
ALLOWED = {
    "errors": set(),
    "report": set(),
    "extensions": {"errors"},
    "registry": {"errors", "extensions"},
    "files": {"errors", "report"},
    "settings": {"errors", "registry"},
    "container": {"errors", "files"},
    "arguments": {"errors", "registry"},
    "seen": set(),
    "documents": {"errors"},
    "framing": {"codecs"},
    "terminal": {"errors"},
    "stream": BASIC | {"container"},
    "media": set(),
    "music": {"errors", "arguments", "settings", "report", "registry", "media"},
    "clock": set(),
    "infilling": set(),
    "codecs": BASIC | {"infilling", "clock", "container", "stream", "media", "music"},
    "token_classes": set(),
    "tokenizer": BASIC | {"infilling", "clock", "codecs", "documents", "framing", "media", "token_classes"},
    "catalogue": BASIC,
    "hub": {"errors", "files", "__init__"},
    "tokenization": BASIC
    | {"codecs", "documents", "framing", "media", "tokenizer", "stream", "container", "catalogue", "hub"},
    "cells": {"errors", "settings", "registry"},
    "memories": {"errors", "settings", "registry", "cells", "clock"},
    "models": {"errors", "settings", "registry", "cells", "memories"},
    "rules": {"errors", "settings", "registry"},
    "experts": set(),
    "generation": {"experts", "errors", "settings", "registry", "cells", "memories", "models", "rules"},
    "checkpoint": BASIC | {"container", "cells", "models", "tokenizer", "stream", "seen", "hub", "experts"},
    "evaluation": BASIC
    | {"stream", "tokenizer", "music", "models", "generation", "checkpoint", "container", "experts"},
    "training": BASIC
    | {
        "infilling",
        "stream",
        "tokenizer",
        "cells",
        "models",
        "evaluation",
        "checkpoint",
        "container",
        "originality",
        "seen",
        "hub",
    }
    | {"experts"},
    "export": {
        "errors",
        "checkpoint",
        "hub",
        "api",
        "codecs",
        "documents",
        "framing",
        "generation",
        "memories",
        "models",
        "render",
    },
    "originality": {"errors", "files", "settings", "container"},
    "render": {"errors", "files", "music"},
    "takes": BASIC | {"media", "music", "tokenizer"},
    "inside": BASIC
    | {"cells", "memories", "models", "checkpoint", "tokenizer", "codecs", "music", "generation", "experts", "render"},
    "api": BASIC
    | {
        "container",
        "checkpoint",
        "infilling",
        "evaluation",  # dynamic evaluation is how a model learns from a prompt
        "models",
        "tokenizer",
        "codecs",
        "media",
        "music",
        "rules",
        "generation",
        "render",
        "training",
        "originality",
        "seen",
        "hub",
        "experts",
        "inside",
    },
}
ALLOWED["live"] = BASIC | {"api", "codecs", "generation", "inside", "music"}
LIBRARY = set(ALLOWED) - {"extensions", "terminal"} | {"__init__"}
ALLOWED |= {
    "jobs": LIBRARY | {"extensions"},
    "studio": BASIC
    | {"jobs", "live", "api", "takes", "checkpoint", "codecs", "generation", "hub", "inside", "music", "render"}
    | {"tokenizer"},
    "cli": BASIC
    | {
        "studio",
        "jobs",
        "terminal",
        "extensions",
        "api",
        "takes",
        "catalogue",
        "checkpoint",
        "evaluation",
        "stream",
        "training",
    }
    | {"music"},  # what is asked of music, of which options are made
    "selftest": LIBRARY | {"cli", "jobs", "terminal", "studio"},
    "__init__": {"api", "errors", "jobs", "takes"},  # for type checkers alone
    "__main__": {"cli"},
}
THIN, DRAWN = 2_000, 12  # lines of the command line as it was drawn, and its commands
COMMAND = 60  # lines that each command since brings
# What asks for a medium by a suffix, a class or a name, where the codec could be asked; and the rooms that may.
ASKING = re.compile(
    r'"\.(mid|c|abc|musicxml)"|artifact [!=]= "|isinstance\([^#]*(Midi|ScoreCodec|ControlledCodec|CSource)'
    r'|token_bytes\(\) is|pieces is (not )?None|codec(_name)? [!=]= "|"name"\] [!=]= "|medium(\.name)? (is|[!=]=) '
)
MEDIA = {"codecs", "music", "media"}
TORCHLESS = MEDIA | {
    "rules",
    "stream",
    "token_classes",
    "documents",
    "experts",
    "tokenizer",
    "tokenization",
    "checkpoint",
    "catalogue",
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it, by its full name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_imported(path: Path) -> set[str]:
    parts = [name.split(".") for name in imports(path) if name.split(".")[0] == "seqgen"]
    return {part[1] if len(part) > 1 and not part[1].startswith("__version") else "__init__" for part in parts}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    here = room(path)
    foreign = rooms_imported(path) - ALLOWED[here] - {here}
    assert not foreign, f"{here} may not import {foreign}"


def test_every_room_has_a_rule():
    assert {room(path) for path in FILES} == set(ALLOWED)


def test_rooms_stand_above_each_other():
    """No room reaches itself by way of others; `seqgen` itself, which imports nothing when it runs, aside."""
    below = {here: set() for here in ALLOWED}
    for path in FILES:
        below[room(path)] |= rooms_imported(path) - {room(path), "__init__"}
    del below["__init__"]
    order = list(graphlib.TopologicalSorter(below).static_order())
    assert order.index("training") < order.index("jobs") < order.index("cli") < order.index("selftest")


def module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def run_imports(path: Path, known: set[str]) -> set[str]:
    """The modules of seqgen that a file imports when it runs, wherever in it."""
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    ]
    apart = {id(inner) for node in typing_only for each in node.body for inner in ast.walk(each)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in apart or not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        start = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for name in (start + alias.name for alias in node.names):
            while name and name not in known:
                name = name.rpartition(".")[0]
            found.add(name)
    return found - {"", "seqgen", module(path)}


def test_files_import_each_other_in_no_circle():
    known = {module(path) for path in FILES}
    below = {module(path): run_imports(path, known) for path in FILES}
    list(graphlib.TopologicalSorter({name: found & below.keys() for name, found in below.items()}).static_order())


def test_what_is_private_to_a_room_stays_there():
    users = {
        here
        for path in FILES
        for name in imports(path)
        if name.startswith("seqgen.") and (here := room(path)) != name.split(".")[1]
        if any(part.startswith("_") and not part.startswith("__") for part in name.split(".")[1:])
    }
    assert users == set()


def test_what_differs_by_medium_is_asked_of_the_codec():
    """At most ten places ask otherwise, each with its reason beside it."""
    asking = [
        (path, line)
        for path in FILES
        if room(path) not in MEDIA
        for line in path.read_text("utf-8").splitlines()
        if ASKING.search(line) and not line.lstrip().startswith(("#", '"""'))
    ]
    assert len(asking) <= 10, asking
    assert [(path, line) for path, line in asking if "  # " not in line] == []


def test_the_command_line_is_thin():
    """A new command brings its own lines, but no more than one has that only parses and prints."""
    lines = {path.name: path.read_text("utf-8").count("\n") for path in FILES if room(path) == "cli"}
    commands = [name for name in lines if not name.startswith("_")]
    assert sum(lines.values()) <= THIN + COMMAND * (len(commands) - DRAWN)


def test_only_the_command_line_imports_click():
    users = {room(path) for path in FILES if any(name.split(".")[0] == "click" for name in imports(path))}
    assert users == {"cli"}


def test_only_the_studio_imports_a_web_server():
    users = {room(path) for path in FILES if {"starlette", "uvicorn"} & {name.split(".")[0] for name in imports(path)}}
    assert users == {"studio"}


def test_codecs_and_rules_never_import_torch():
    for path in FILES:
        if room(path) in TORCHLESS:
            names = {name.split(".")[0] for name in imports(path)}
            if room(path) != "checkpoint":  # it may hand its weights to a torch module, inside a function
                assert "torch" not in names, path


def test_what_a_cell_is_made_of_is_known_in_its_room_alone():
    """No layer of the library, no module of a cell's quicker forms, no cell by name anywhere else."""
    layers = re.compile(r"\bRNNBase\b|\bnn\.(LSTM|GRU|RNN)\b")
    for path in FILES:
        if room(path) != "cells":
            assert not layers.search(path.read_text("utf-8")), path
            foreign = {name for name in imports(path) if name.startswith("seqgen.cells.")}
            assert all(name.split(".")[2] in vars(cells) for name in foreign), path


def test_cells_are_loaded_without_torch():
    code = "from seqgen import registry\nmade = [registry.load('cells', name)() for name in registry.names('cells')]\n"
    assert "torch" not in modules_after(code + "for cell in made: cell.numpy_form(), cell.weights(2, 3), cell.state(3)")


def test_what_training_can_be_told_is_known_without_torch():
    code = "from seqgen.jobs.train.form import form\nprint(form('gru', 'char')[0]['title'])"
    assert "torch" not in modules_after(code)


def test_no_pickle_anywhere():
    words = re.compile(r"\bpickle\.|import pickle|torch\.load\b|torch\.save\b|allow_pickle=True|\bjoblib\b|\bmarshal\b")
    users = [path for path in FILES if words.search(path.read_text("utf-8"))]
    assert users == []


def test_other_interpreters_are_kept_from_the_current_folder():
    """`-c` and `-m` would put it first on their path, `-P` keeps it off; only the check `bait` asks for it."""
    root = PACKAGE.parent
    ours = [*FILES, *(root / "benchmarks").glob("*.py"), *(path for path in (root / "scripts").iterdir())]
    texts = {path.name: path.read_text("utf-8") for path in ours if path.name != "bait.py"}
    assert sum(text.count('sys.executable, "-P"') for text in texts.values()) >= 10
    starting = re.compile(r"sys\.executable,\s*\"-[cm]\"|executable\} -[cm]")
    assert [name for name, text in texts.items() if starting.search(text)] == []


def test_one_module_imports_matplotlib():
    """It alone keeps a matplotlibrc of the current folder from being read."""
    users = [path.name for path in FILES if any(name.split(".")[0] == "matplotlib" for name in imports(path))]
    assert users == ["_matplotlib.py"]


def test_importing_the_package_imports_nothing_else():
    """`python -m seqgen` runs it before the current folder is off its path."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


def test_files_and_functions_stay_small():
    for path in FILES:
        text = path.read_text("utf-8")
        assert text.count("\n") <= 320, f"{path} has grown past 320 lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                assert node.end_lineno - node.lineno <= 60, f"{path}: {node.name} has grown past 60 lines"


def test_every_module_says_what_it_is():
    for path in FILES:
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), f"{path} has no docstring"


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has imported after running `code`."""
    script = f"{code}\nimport sys; print(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(ran.stdout.split("\n")[-2].split())


def test_help_imports_nothing_heavy():
    code = "from seqgen.cli import run; run(['--help'])"
    assert not {"torch", "numpy", "matplotlib", "symusic", "tempfile", "hashlib", "tomllib"} & modules_after(code)


def test_help_imports_no_command_and_says_what_each_says():
    """It reads the line about each from its file."""
    code = "import sys; from seqgen.cli import run, group; run(['--help']); shown = {*sys.modules}; "
    code += "print('commands:', *[name for name in group.list_commands(None) if f'seqgen.cli.{name}' in shown])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "commands:"
    words = " ".join(ran.stdout.split())
    for path in (PACKAGE / "cli").glob("[!_]*.py"):
        command = importlib.import_module(f"seqgen.cli.{path.stem}").command
        said = f"seqgen --help says nothing of {path.stem}: give its @click.command short_help=, in one line"
        assert command.short_help, said
        assert f"{path.stem} {command.short_help}" in words, said


def test_jobs_and_their_settings_are_light():
    """The command line makes its options of them, and `--help` is to come at once."""
    code = "import seqgen.jobs.sample.settings, seqgen.jobs.render, seqgen.jobs.observer, seqgen.jobs.python"
    assert not {"torch", "numpy", "click", "tqdm"} & modules_after(code)


def test_importing_the_package_is_light():
    assert not {"torch", "click"} & modules_after("import seqgen")
