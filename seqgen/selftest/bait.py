"""Every command runs in a folder full of bait: what Python, pip and matplotlib would run or obey if they looked there.

Each Python process of a command, workers and ranks included, reports what it opens and lists (an audit hook, which a
`sitecustomize` of the check's own installs): nothing may be in the folder. What a command writes there must be what
it writes in an empty folder.
"""

import os
import pkgutil
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random

from seqgen import cli
from seqgen.selftest import Tally, _materials
from seqgen.takes import exchange
from seqgen.takes.store import Takes

TITLE = "bait in the current folder: nothing read, nothing run"
QUICK, LONG = 7, 100
DANGEROUS = 5  # cases at the beginning that are always tried
SECONDS = 300
CODE = "with open({marks!r}, 'a') as file:\n    file.write(__file__ + chr(10))\n"
TORCH = ("_ops", "_classes")  # names of no file, which torch gives to modules and Python looks for
OBEYED = {
    "matplotlibrc": "savefig.dpi: 5\ntext.usetex: True\n",
    "pip.conf": "[global]\nno-such-option = 1\n",
    "pip.ini": "[global]\nno-such-option = 1\n",
    "setup.cfg": "[install]\nprefix = nowhere\n",
    "pyproject.toml": "[tool.seqgen]\nseed = 5\n",
    "bait.pth": "import bait\n",
    "pyvenv.cfg": "home = nowhere\n",
    ".env": "SEQGEN_TAKES=nowhere\n",
    ".tokens": "",
    ".netrc": "machine localhost login a password b\n",
    "rust-toolchain": "nowhere\n",
}
HOOK = """
import os, sys
def watch(event, arguments, folder={folder!r}, seen={seen!r}):
    if event in ("open", "os.listdir", "os.scandir") and not isinstance(arguments[0], int):
        path = os.path.normpath(os.path.join(os.getcwd(), os.fsdecode(arguments[0] or ".")))
        if path.startswith(folder) and os.path.lexists(path):  # else a name inside another folder, opened by `dir_fd`
            with open(seen, "a") as file:
                file.write(event + " " + path + chr(10))
sys.addaudithook(watch)
here = sys.modules.pop("sitecustomize")
sys.path.remove({hook!r})
try:
    import sitecustomize  # the machine's own
except ImportError:
    sys.modules["sitecustomize"] = here
"""
LAUNCHER = """
import sys
from seqgen.cli import main
if __name__ == "__main__":
    sys.exit(main())
"""  # what pip writes as the command `seqgen`


@dataclass(frozen=True)
class Case:
    """One command line.

    Attributes:
        words: The command and its arguments.
        same: Whether it writes the same bytes each time.
        code: The exit code that it has.
        ranks: Whether two processes of it are started by torch's launcher.
    """

    words: tuple[object, ...]
    same: bool = True
    code: int = 0
    ranks: bool = False


@dataclass(frozen=True)
class Place:
    """The folders of the check, all in one.

    Attributes:
        made: What was made for it.
        out: Where the outputs of a command go.
        marks: A file with the path of each bait that was run.
        seen: A file with what was opened or listed in `bait`.
        empty, bait, spared: Folders to start commands in; `spared` lacks what `python -m` itself imports.
    """

    made: Path
    out: Path
    marks: Path
    seen: Path
    empty: Path
    bait: Path
    spared: Path


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """The dangerous cases and some others, as pip's script starts them; one as `python -m seqgen`."""
    place = _prepared(folder, random)
    found, commands = _cases(place.made, place.out), [words for words, _ in cli.leaves()]
    untried = [name for name in commands if not any(case.words[: len(name)] == name for case in found)]
    tally.case(not untried, f"no case for {untried}")
    _ran(place, [sys.executable, "-c", "import numpy"], place.bait)
    tally.case(bool(_taken(place)), "bait that is taken is not seen: nothing was shown")
    found += [Case((*name, "--help")) for name in commands]
    for case in found[:DANGEROUS] + random.sample(rest := found[DANGEROUS:], min(max(count - DANGEROUS, 0), len(rest))):
        _try(tally, place, case)
    code, _ = _ran(place, [sys.executable, "-m", "seqgen", *map(str, found[0].words)], place.spared)
    ran = [line for line in _taken(place) if line.endswith(".py")]
    tally.case(code == 0 and not ran, f"python -m seqgen: exit code {code}, {ran[:3]}")


def _try(tally: Tally, place: Place, case: Case) -> None:
    """A case among the bait and, where its bytes tell something, in the empty folder."""
    command = [sys.executable, str(place.made / "bin" / "seqgen"), *map(str, case.words)]
    if case.ranks:
        launcher = [sys.executable, "-P", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        command = [*launcher, "--no-python", *command]
    what = " ".join(map(str, case.words)).replace(str(place.made.parent), "")[:150]
    code, written = _ran(place, command, place.bait)
    taken = _taken(place)
    tally.count("commands")
    tally.case(not taken, f"{what}: {taken[:3]}")
    tally.case(code == case.code, f"{what}: exit code {code}, {written['stderr'][-300:]!r}")
    if case.same:
        _, expected = _ran(place, command, place.empty)
        other = [name for name in written | expected if written.get(name) != expected.get(name) and name != "stderr"]
        tally.case(not other, f"{what}: other bytes in {other[:3]}")
        tally.count("outputs_compared", len(written) - 1)


def _ran(place: Place, command: list[str], where: Path) -> tuple[int, dict[str, bytes]]:
    """Run a command in a folder; its exit code, and the bytes of what it wrote by name."""
    shutil.rmtree(place.out, ignore_errors=True)
    place.out.mkdir()
    shutil.copy(place.made / "takes.sqlite", place.out)
    path = os.pathsep.join(filter(None, (str(place.made / "hook"), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "SEQGEN_TAKES": str(place.out / "takes.sqlite")}
    environment |= {"SEQGEN_CACHE": str(place.out / "cache"), "PIP_NO_INDEX": "1"}
    if sys.platform.startswith("linux"):
        environment["GLOO_SOCKET_IFNAME"] = "lo"  # where the ranks meet
    environment.pop("PYTHONSAFEPATH", None)  # `seqgen selftest` has set it, and a user has not
    ran = subprocess.run(command, cwd=where, env=environment, capture_output=True, timeout=SECONDS, check=False)
    files = (path for path in place.out.rglob("*") if path.is_file())
    written = {str(path.relative_to(place.out)): path.read_bytes() for path in files if "cache" not in path.parts}
    kept = {name: data for name, data in written.items() if not name.startswith("takes.sqlite")}
    return ran.returncode, kept | {"stdout": ran.stdout, "stderr": ran.stderr}


def _taken(place: Place) -> list[str]:
    """What was run, opened and listed among the bait since this was last asked."""
    lines: list[str] = []
    for file in (place.marks, place.seen):
        if file.exists():
            lines += sorted(set(file.read_text("utf-8").splitlines()))
            file.unlink()
    return lines


def _prepared(folder: Path, random: Random) -> Place:
    """All folders and files."""
    names = ("made", "out", "marks.txt", "seen.txt", "empty", "bait", "spared")
    place = Place(*(folder / name for name in names))
    for path in (place.made / "hook", place.made / "bin", place.empty, place.bait, place.spared):
        path.mkdir(parents=True)
    _materials.play(place.made)
    _materials.stream(place.made)
    _materials.checkpoint().save(place.made / "model.safetensors")
    (place.made / "song.mid").write_bytes(_materials.midi(random))
    (place.made / "takes.jsonl").write_bytes(_materials.exported(place.made))
    with Takes(place.made / "takes.sqlite") as takes, (place.made / "takes.jsonl").open("rb") as file:
        exchange.bring_in(takes, file, "takes.jsonl")
    hook = place.made / "hook"
    text = HOOK.format(folder=str(place.bait), seen=str(place.seen), hook=str(hook))
    (hook / "sitecustomize.py").write_text(text, "utf-8")
    (place.made / "bin" / "seqgen").write_text(LAUNCHER, "utf-8")
    modules = (
        {module.name for module in pkgutil.iter_modules()} | sys.stdlib_module_names | {"bait", "usercustomize", *TORCH}
    )
    code = "import runpy, sys; print(*sys.modules)"
    early = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    _lay(place.bait, modules, place.marks)
    _lay(place.spared, modules - set(early) - {"seqgen"}, place.marks)
    return place


def _lay(folder: Path, modules: set[str], marks: Path) -> None:
    """A module of each name, `seqgen` as a package besides, and files of settings."""
    code = CODE.format(marks=str(marks))
    for name in modules:
        (folder / f"{name}.py").write_text(code, "utf-8")
    if "seqgen" in modules:
        (folder / "seqgen").mkdir()
        for name in ("__init__", "__main__"):
            (folder / "seqgen" / f"{name}.py").write_text(code, "utf-8")
    for name, text in OBEYED.items():
        (folder / name).write_text(text, "utf-8")


def _cases(made: Path, out: Path) -> list[Case]:
    """Each command at least once, the dangerous ones first: workers, matplotlib, processes, pip, torch's launcher."""
    corpus, tokens, model = made / "corpus", made / "corpus.tokens", made / "model.safetensors"
    play, song, new = made / "play.txt", made / "song.mid", out / "new"
    train = ("train", corpus, "-c", "char", "-o", new, "--steps", 2, "--seed", 1, *_materials.TINY)
    pictures = ("-o", out / "new.png", "-o", out / "new.svg", "-o", out / "new.wav")
    return [
        Case(("tokenize", corpus, "-c", "char", "--workers", 2, "-o", new)),
        Case(("render", song, *pictures)),
        Case(("selftest", "--only", "pickles"), same=False),
        Case(("corpus", "get", "shakespeare", "--to", new), code=1),
        Case(("generate", model, "-l", 30, "--seed", 1, "-o", new)),
        Case((*train, "--workers", 2), same=False),
        Case((*train, "-P", "precision", "float32"), same=False, ranks=True),
        Case(("evaluate", model, play, "--json")),
        Case(("evaluate", model, "--text", "ANNA", "--json")),
        Case(("decode", tokens, "-o", new)),
        Case(("merge", tokens, "-o", new), code=1),  # which is no shard
        *(Case(("inspect", path)) for path in (corpus, tokens, model, song)),
        Case(("corpus", "list")),
        Case(("corpus", "info", "shakespeare")),
        Case(("push", model, "me/model", "--dry-run")),
        Case(("pull", "nothing"), code=2),
        *(Case(("takes", *words)) for words in (("list",), ("show", "last"), ("star", "last"), ("delete", "last"))),
        Case(("takes", "replay", "last", "-o", new)),
        Case(("takes", "export", "--all", "-o", new)),
        Case(("takes", "import", made / "takes.jsonl")),
        Case(("export", model, "-o", out / "new.html")),
        Case(("look", model, "ANNA", "--cells-only", "--json")),
        Case(("lesson", "step")),
        Case(("probe", model, play), code=1),
        Case(("fill", model, play, "--lines", "2", "--left-alone", "--seed", 1, "-o", new)),
        Case(("vary", model, play, "--left-alone", "--amount", "0.01", "--seed", 1, "-o", new)),
        Case(("fill", model, song, "--seconds", "1:2", "-o", new), code=2),  # a model of text
        Case(("vary", model, play, "--left-alone", "--amount", "2", "-o", new), code=2),  # no share
        Case(("accompany", model, song, "--parts", "bass", "-o", new), code=2),  # a model of text
        Case(("jam", model, "--mode", "nowhere"), code=2),
        Case(("studio", made / "nothing", "--no-browser"), code=1),  # before it listens
        Case(("doctor",), same=False),
        Case(("demo", "--quick", "-o", new), same=False, code=1),
    ]
