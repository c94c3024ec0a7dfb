"""Every output of every command on every input of it, under many names: nothing that a command reads is replaced.

The parameters come from the commands themselves, by their types. A command with an output for whose inputs there is no
example in INPUTS fails the check, so that a new command is tried too. Then: a file that seqgen did not write is
replaced with `--force` only, and one that it did write without a question.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from unittest import mock

from seqgen.cli import Command, Group, Input, Kind, Output, group
from seqgen.errors import DownloadError, HubError
from seqgen.selftest import Tally, _materials
from seqgen.selftest._calls import needed

TITLE = "outputs on inputs, outputs on what others wrote: 0 files lost"
QUICK, LONG = 60, 100_000
RUN, SONGS, CONFIG = "run", "songs", "any.toml"
INPUTS: dict[tuple[str, str], tuple[str, ...]] = {
    # command and parameter → values; what stands behind a blank is one argument more
    ("tokenize", "source"): ("play.txt", "plays", "pl*s/*.txt", "./**/a.txt"),
    ("merge", "shards"): ("shard.tokens",),
    ("train", "source"): ("play.txt", "one.tokens", "plays", "pl?y.txt"),
    ("train", "parent"): (RUN, f"{RUN}/model.safetensors"),
    ("train", "held_out"): ("other.txt",),
    ("generate", "checkpoint"): (RUN, f"{RUN}/model.safetensors", "twin.safetensors"),
    ("generate", "prompt_file"): ("play.txt",),
    ("generate", "mix"): ("twin.safetensors:0.3", "twin.safetensors"),
    ("accompany", "file"): ("song.mid",),
    ("fill", "file"): ("play.txt",),
    ("vary", "file"): ("play.txt",),
    ("vary", "like"): ("other.txt",),
    ("jam", "preset"): (CONFIG,),
    ("evaluate", "arguments"): (SONGS, f"{SONGS} song.mid", f"{SONGS} music"),
    ("look", "text"): ("play.txt",),
    ("look", "corpus"): ("plays",),
    ("probe", "source"): ("plays",),
    ("probe", "held_out"): ("plays",),
    ("render", "file"): ("song.mid",),
    ("render", "soundfont"): ("font.sf2",),
    ("takes replay", "take"): ("made.mid",),
    ("takes export", "takes"): ("made.mid",),
}
USUAL = {"checkpoint": RUN, "source": "play.txt", "file": "one.tokens", "config": CONFIG, "mix": "twin.safetensors"}
NEEDED = {  # what a command cannot do without
    "tokenize": ("play.txt",),
    "decode": ("one.tokens",),
    "merge": ("shard.tokens",),
    "train": ("play.txt",),
    "evaluate": (SONGS,),
    "accompany": (SONGS, "song.mid"),
    "fill": (RUN, "play.txt"),
    "vary": (RUN, "play.txt"),
    "jam": (SONGS,),
    "look": (RUN, "play.txt"),
    "lesson": ("step",),
    "probe": (RUN, "plays"),
    "render": ("song.mid",),
    "takes replay": ("last",),
    "takes export": ("last",),
    "corpus get": ("tiny-shakespeare",),
    "pull": ("me/plays",),
}
FURTHER = {
    "tokenize": ("-c", "char"),
    "train": ("--steps", "1", "--seed", "1", *_materials.TINY),
    "generate": ("-l", "5", "--seed", "1", "--no-take"),
    "evaluate": ("--samples", "4", "--device", "cpu"),
    "accompany": ("--parts", "bass", "--no-take"),
    "fill": ("--lines", "2", "--left-alone", "-l", "5", "--seed", "1", "--no-take"),
    "vary": ("--amount", "0.01", "--left-alone", "-l", "5", "--seed", "1", "--no-take"),
    "jam": ("--ports", "loopback", "--virtual", "--seconds", "0.1", "--no-log", "--no-take"),
    "look": ("--cells-only", "--format", "json"),
    "export": ("--format", "js"),
    "render": ("--format", "svg"),
}
BEGAN = "the corpus is fetched"  # what a command says here that was not refused, but began its work
STREAMS = ("tokenize", "merge")  # what writes streams may replace one
SLOW = ("evaluate", "demo", "corpus get", "probe", "accompany")  # not run to their end
BESIDE = ("takes.sqlite", "takes.sqlite-wal", "published.safetensors", "cache/streams/x.tokens")


@dataclass(frozen=True)
class Case:
    """A command line whose output is `target`, a file that must stay.

    Attributes:
        words: The command line up to the name of the output.
        target: The file, relative to the scene.
        spelling: How it is named, one of SPELLINGS.
        force: Whether the command has `--force`, which must not help.
    """

    words: tuple[str, ...]
    target: str
    spelling: str
    force: bool


SPELLINGS: dict[str, Callable[[str], str]] = {  # how an output is named that is the file
    "plain": lambda path: path,
    "dotted": lambda path: f"./{path}",
    "up": lambda path: f"plays/../{path}",
    "absolute": lambda path: str(Path(path).absolute()),
    "folder link": lambda path: f"here/{path}",
    "link": lambda path: _fresh("link", lambda name: name.symlink_to(Path(path).absolute())),
    "chain": lambda path: _fresh("chain", lambda name: name.symlink_to(SPELLINGS["link"](path))),
    "hard link": lambda path: _fresh("hard", lambda name: name.hardlink_to(path)),
}
BY_HAND = (  # names that a command makes of what it is given, and folders that hold something already
    ("generate", RUN, "-l", "5", "--prompt-file", "p-1.txt", "-n", "2", "-o", "p.txt", "--force"),
    ("generate", RUN, "-l", "5", "--prompt-file", "plays/1.txt", "-n", "2", "-o", "plays/", "--force"),
    ("generate", SONGS, "-l", "20", "-p", "song.mid", "-o", "here/song.mid", "--force"),
    ("generate", RUN, "-l", "5", "-n", "2", "-o", "p.txt"),
    ("generate", RUN, "-l", "5", "-o", f"{SONGS}/training.json", "--force"),
    ("train", "-o", RUN, "--report", f"{RUN}/log.jsonl", "--force"),
    ("train", "-o", RUN, "--report", "here/one.tokens"),
    ("train", "play.txt", "-o", "new", "--report", "here/new/model.safetensors", "--force", *FURTHER["train"]),
    ("train", "play.txt", "-o", "others", *FURTHER["train"]),
    ("train", "plays", "-o", "here/plays", *FURTHER["train"]),
    ("train", "--resume", "-o", RUN, "--steps", "2", "--report", "one.tokens", "--force"),
    ("decode", "one.tokens", "-o", "plays"),
    ("demo", "-o", "others"),
    ("demo", "-o", "music"),
)


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """`count` pairs at most, and every output on what somebody else wrote."""
    scene, kept = folder / "scene", folder / "kept"
    scene.mkdir()
    where = {"SEQGEN_TAKES": str(scene / "takes.sqlite"), "SEQGEN_CACHE": str(scene / "cache")}
    published = {"published": scene / "published.safetensors"}
    with (
        contextlib.chdir(scene),
        mock.patch.dict(os.environ, where),
        mock.patch("seqgen.checkpoint.published", return_value=published),
        mock.patch("seqgen.catalogue.get", side_effect=DownloadError(BEGAN)),
        mock.patch("seqgen.hub.pinned", side_effect=HubError(BEGAN)),
    ):
        _build()
        shutil.copytree(scene, kept, symlinks=True)
        cases = list(_cases(tally))
        tally.facts["pairs"] = len(cases)
        for case in cases if count >= len(cases) else random.sample(cases, count):
            _try(tally, case, random, kept)
        for words in BY_HAND:
            _refused(tally, words, kept)
        _standard_input(tally, kept)
        for name, words in _writers():
            _others(tally, name, words, kept)


def commands() -> Iterator[tuple[str, Command]]:
    """The name of every command, that of its group before it, and the command."""
    for name in group.list_commands(None):  # type: ignore[arg-type]
        found = group.get_command(None, name)  # type: ignore[arg-type]
        below = found.commands.items() if isinstance(found, Group) else []
        for inner, command in [(name, found), *((f"{name} {inner}", command) for inner, command in below)]:
            if isinstance(command, Command):
                yield inner, command


def _build() -> None:
    """Everything that commands read."""
    for name in ("plays", "others", "music/models/code", "cache/streams"):
        Path(name).mkdir(parents=True)
    for name in ("play.txt", "other.txt", "p-1.txt", "plays/a.txt", "plays/1.txt", "others/log.jsonl", "others/code.c"):
        Path(name).write_text(f"{name}\n{_materials.PLAY}", "utf-8")
    for name in ("song.mid", "music/a.mid", "music/b.mid", "music/models/code/c.mid"):
        Path(name).write_bytes(_materials.midi(Random(name), 200))
    Path("font.sf2").write_bytes(b"RIFF....sfbk")
    Path(CONFIG).write_text("# nothing\n", "utf-8")
    Path("here").symlink_to(".")
    for words in (
        ("tokenize", "play.txt", "-c", "char", "-o", "one.tokens"),
        ("tokenize", "play.txt", "-c", "char", "-o", "shard.tokens", "--shard", "1/1"),
        ("train", "one.tokens", "-o", RUN, *FURTHER["train"]),
        ("train", "music", "-o", SONGS, *FURTHER["train"]),
        ("generate", SONGS, "-l", "20", "--seed", "1", "-o", "made.mid"),
    ):
        code, said = _materials.call(*words)
        assert code == 0, said
    for name in ("twin.safetensors", "published.safetensors"):
        shutil.copy(f"{RUN}/model.safetensors", name)
    shutil.copy("one.tokens", "cache/streams/x.tokens")


def _cases(tally: Tally) -> Iterator[Case]:
    """All pairs of an input and an output, under all names."""
    for name, command in commands():
        outputs = [each for each in command.params if isinstance(each.type, Output)]
        inputs = [each for each in command.params if isinstance(each.type, Input)] if outputs else []
        for output in outputs:
            flag, kind = output.opts[0], output.type.kind if isinstance(output.type, Output) else None
            force = any(each.name == "force" for each in command.params)
            further = (*_begun(name, command), flag)
            yield from (Case(further, target, how, force) for target in BESIDE for how in SPELLINGS)
            for given in inputs:
                usual = [USUAL[str(given.name)]] if given.name in USUAL else []
                values = INPUTS.get((name, str(given.name)), usual)
                told = f"{name}: no example of its input {given.name}, see INPUTS and USUAL in selftest/overwrites.py"
                tally.case(bool(values), told)
                for value in values:
                    words = _words(name, command, given.opts[0], value)
                    targets = [each for each in _targets(value) if kind is not Kind.PLACE or not Path(each).is_dir()]
                    yield from (Case((*words, flag), target, how, force) for target in targets for how in SPELLINGS)


def _begun(name: str, command: Command) -> tuple[str, ...]:
    """A command line that lacks nothing but its output."""
    return (*name.split(), *NEEDED.get(name, needed(command, USUAL)), *FURTHER.get(name, ()))


def _words(name: str, command: Command, option: str, value: str) -> tuple[str, ...]:
    """A command line with one of its inputs given."""
    if option.startswith("-"):
        return (*_begun(name, command), option, value)
    return (*name.split(), *value.split(), *FURTHER.get(name, ()))


def _targets(value: str) -> list[str]:
    """The files that an input stands for."""
    found: list[str] = []
    for each in value.split():
        path = Path(each.rpartition(":")[0] or each)
        matching = sorted(Path().glob(each)) if "*" in each or "?" in each else [path]
        for path in matching:
            found += [str(path), *(str(file) for file in sorted(path.rglob("*")))] if path.is_dir() else [str(path)]
    return found


def _fresh(name: str, make: Callable[[Path], object]) -> str:
    """A name that is made anew."""
    Path(name).unlink(missing_ok=True)
    make(Path(name))
    return name


def _try(tally: Tally, case: Case, random: Random, kept: Path) -> None:
    """One pair."""
    path = Path(case.target)
    whole = path.is_file() and path.parts[0] != "cache"  # a second name of what is in the cache is another file
    spelling = case.spelling if case.spelling != "hard link" or whole else "link"
    force = ["--force"] if case.force and random.random() < 0.5 else []
    _refused(tally, (*case.words, SPELLINGS[spelling](case.target), *force), kept)


def _refused(tally: Tally, words: tuple[str, ...], kept: Path) -> None:
    """A command line that must end in one sentence and change nothing."""
    code, said = _materials.call(*words)
    lost = _changed(kept)
    refused = said.count("Error: ") == 1 and "Traceback" not in said and BEGAN not in said
    tally.case(code != 0 and refused and not lost, f"{' '.join(words)}: exit code {code}, lost {lost}, said {said!r}")
    if lost:
        for name in lost:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).unlink(missing_ok=True)
            shutil.copy(kept / name, name)


def _changed(kept: Path) -> list[str]:
    """The files of the scene that are not as they were."""
    names = [path.relative_to(kept) for path in kept.rglob("*") if path.is_file()]
    return [str(name) for name in names if not name.exists() or name.read_bytes() != (kept / name).read_bytes()]


def _standard_input(tally: Tally, kept: Path) -> None:
    """What comes from standard input may be a file, too."""
    for given, words in (
        ("play.txt", ("tokenize", "-", "-c", "char", "-o", "play.txt", "--force")),
        ("one.tokens", ("decode", "-", "-o", "here/one.tokens", "--force")),
        ("play.txt", ("generate", RUN, "-l", "5", "--prompt-file", "-", "-o", "play.txt", "--force")),
    ):
        with Path(given).open(encoding="utf-8") as file, mock.patch.object(sys, "stdin", file):
            _refused(tally, words, kept)


def _writers() -> Iterator[tuple[str, tuple[str, ...]]]:
    """(name, command line up to the output's name) of each output that may replace a file."""
    for name, command in commands():
        for each in command.params:
            if isinstance(each.type, Output) and each.type.kind is not Kind.FOLDER and name != "demo":
                words = (*_begun(name, command), each.opts[0])
                yield name, ("train", "-o", RUN, "--report") if name == "train" else words


def _others(tally: Tally, name: str, words: tuple[str, ...], kept: Path) -> None:
    """Outputs on what somebody else wrote, on what costs work, and on what seqgen wrote the last time."""
    takes, streams = Path("takes.sqlite").read_bytes(), Path("one.tokens").read_bytes()
    work = {b"mine", b"SQLite format 3\0" + bytes(100), Path("twin.safetensors").read_bytes(), takes}
    for content in work if name in STREAMS else work | {streams}:
        mine = Path(_fresh("mine.txt", lambda path, data=content: path.write_bytes(data)))  # type: ignore[misc]
        code, said = _materials.call(*words, "mine.txt")
        held = code == 1 and mine.read_bytes() == content and "--force" in said
        tally.case(held, f"{name} replaced {content[:20]!r}: exit code {code}, {said}")
    if name in SLOW:
        return
    for more, what in ((["--force"], "with --force"), ([], "once more")):
        code, said = _materials.call(*words, "mine.txt", *more)
        tally.case(code == 0 and mine.read_bytes() != content, f"{name} {what}: exit code {code}, {said}")
    with mine.open("ab") as file:
        file.write(b"a word more")
    edited = mine.read_bytes()
    code, said = _materials.call(*words, "mine.txt")
    held = name in STREAMS or (code == 1 and mine.read_bytes() == edited)
    tally.case(held, f"{name} replaced a file that was edited: exit code {code}, {said}")
    mine.write_bytes(b"")
    for target in ("mine.txt", os.devnull):
        code, said = _materials.call(*words, target)
        tally.case(code == 0, f"{name} into an empty file or {os.devnull}: exit code {code}, {said}")
    lost = _changed(kept)
    tally.case(not lost, f"{name} into {os.devnull}: lost {lost}")
