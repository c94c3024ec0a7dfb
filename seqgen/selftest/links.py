"""Folders that would not end: links in circles and bombs of them, depth, pipes, odd names, what cannot be read.

Each case is a folder of random files and links that is tokenized. Every file holds a text of its
own, so what was read is known: each visible file of the folder once, and nothing outside, unless --follow-links.
"""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from seqgen.jobs.describe.facts import describe
from seqgen.selftest import Tally, _materials
from seqgen.stream import TokenStream
from seqgen.tokenizer import Tokenizer

TITLE = "links, depth and odd entries: each file once, none outside"
QUICK, LONG = 25, 500
SECONDS = 2.0  # of the processor, for a case
DEPTHS = (990, 4000)  # levels; the paths of the second are longer than the system takes
MANY = 100_000  # files in one folder, in the long form


@dataclass
class Tree:
    """A folder, and a folder beside it that links lead to.

    Attributes:
        folder: The one that is read.
        inside, outside: The texts of the files of both.
        locked: The texts in a folder that cannot be read, which is called `locked`.
        leads_out: Whether a link leads to the other.
        files: Where the first lie.
    """

    folder: Path
    inside: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)
    locked: set[str] = field(default_factory=set)
    leads_out: bool = False
    files: list[Path] = field(default_factory=list)


def run(tally: Tally, count: int, random: Random, folder: Path) -> None:
    """`count` random folders, and some made with care."""
    for number in range(count):
        tree = _random_tree(random, folder / f"case{number}")
        _judge(tally, tree, random)
        shutil.rmtree(tree.folder.parent)
    _bomb(tally, folder)
    if os.name == "posix":
        for depth in DEPTHS:
            _deep(tally, folder, depth)
    _crowd(tally, folder, MANY if count >= LONG else 2000)


def _random_tree(random: Random, place: Path) -> Tree:
    """Files and folders, and links from anywhere to anywhere."""
    tree = Tree(place / "corpus")
    folders, beyond = [tree.folder], [place / "beyond"]
    for known, texts in ((folders, tree.inside), (beyond, tree.outside)):
        known[0].mkdir(parents=True)
        for _ in range(random.randrange(1, 7)):
            known.append(random.choice(known) / f"d{len(known)}")
            known[-1].mkdir()
        for number in range(random.randrange(2, 9)):
            text = f"{known[0].name} {number}"
            path = random.choice(known) / f"{number}{random.choice(_names())}"
            path.write_text(text, "utf-8")
            texts.add(text)
            if known is folders:
                tree.files.append(path)
    (tree.folder / "locked").mkdir()
    (tree.folder / "locked" / "file.txt").write_text("locked", "utf-8")
    tree.locked.add("locked")
    for number in range(random.randrange(1, 40)):
        _link(tree, random, folders, beyond[0], number)
    if hasattr(os, "mkfifo"):
        os.mkfifo(random.choice(folders) / "pipe.txt")
    return tree


def _names() -> tuple[str, ...]:
    """Endings of file names; one that is no UTF-8 where the system has such."""
    return (".txt", " é\n.txt", ".txt" if sys.platform in ("win32", "darwin") else os.fsdecode(b"\xff.txt"))


def _link(tree: Tree, random: Random, folders: list[Path], beyond: Path, number: int) -> None:
    """A link to a folder, a file, another link, nothing, itself or the outside."""
    kind, link = random.randrange(6), random.choice(folders) / f"link{number}"
    if kind == 0:
        target = beyond
        tree.leads_out = True
    elif kind == 1:
        target = link
    elif kind == 2:
        target = tree.folder / f"link{random.randrange(40)}"  # perhaps one, perhaps nothing
    elif kind == 3:
        target = random.choice(tree.files)
    else:
        target = random.choice(folders)
    link.symlink_to(target if random.random() < 0.5 else os.path.relpath(target, link.parent))


def _judge(tally: Tally, tree: Tree, random: Random) -> None:
    """Read the folder three times: as it is, with its entries in another order, and with links out followed."""
    output = tree.folder.parent / "out.tokens"
    code, said, seconds = _tokenized(tree.folder, output, random)
    read, names = _texts(output), _reasons(output)
    tally.most("slowest_s", seconds)
    tally.case(code == 0 and seconds < SECONDS, f"exit code {code}, {seconds:.1f} s: {said}")
    tally.case(read == sorted(tree.inside), f"read {read}, expected {sorted(tree.inside)}")
    tally.case("cannot be read (Permission denied)" in names, f"nothing is said of the locked folder: {names}")
    tally.case(("leads out of the folder" in names) == tree.leads_out, f"links out: {tree.leads_out}, said {names}")
    first = output.read_bytes()
    _tokenized(tree.folder, output, random)
    tally.case(output.read_bytes() == first, "the stream depends on the order in which the system lists a folder")
    code, said, _ = _tokenized(tree.folder, output, random, follow=True)
    wanted = sorted(tree.inside | (tree.outside if tree.leads_out else set()))
    tally.case(code == 0 and _texts(output) == wanted, f"--follow-links: exit code {code}, {said}")


def _tokenized(folder: Path, output: Path, random: Random, follow: bool = False) -> tuple[int, str, float]:
    """(exit code, what was said, seconds of the processor)."""
    began = time.process_time()
    with _scandir(random):
        code, said = _materials.tokenized(folder, output, "char", follow)
    return code, said, time.process_time() - began


@contextlib.contextmanager
def _scandir(random: Random) -> Iterator[None]:
    """A system that lists entries in any order, and does not open folders called `locked`."""
    known = os.scandir

    @contextlib.contextmanager
    def scandir(path: Any) -> Iterator[Any]:
        if os.path.basename(path) == "locked":  # noqa: PTH119
            raise PermissionError(13, "Permission denied", path)
        with known(path) as entries:
            listed = list(entries)
        random.shuffle(listed)
        yield iter(listed)

    with mock.patch("seqgen.files.walking.os.scandir", scandir):
        yield


def _texts(path: Path) -> list[str]:
    """The documents of a stream, sorted."""
    stream = TokenStream.open(path)
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    return sorted(tokenizer.decode(stream.document(index)).decode() for index in range(stream.documents))


def _reasons(path: Path) -> str:
    return "; ".join(f"{name}: {reason}" for name, reason in TokenStream.open(path).report.skipped.items())


def _bomb(tally: Tally, folder: Path) -> None:
    """40 folders with three links each to the next: 3^39 paths to one file, by folder and by glob."""
    corpus = folder / "bomb"
    for number in range(40):
        (corpus / f"d{number}").mkdir(parents=True)
        for name in "xyz" if number < 39 else "":
            (corpus / f"d{number}" / name).symlink_to(f"../d{number + 1}")
    (corpus / "d39" / "text.txt").write_text("once", "utf-8")
    for source in (corpus, corpus / "**" / "*.txt"):
        for follow in (False, True):
            code, said, seconds = _tokenized(source, folder / "bomb.tokens", Random(0), follow)
            held = code == 0 and seconds < SECONDS and _texts(folder / "bomb.tokens") == ["once"]
            tally.case(held, f"bomb {source.name} {follow}: exit code {code}, {seconds:.1f} s, {said}")


def _deep(tally: Tally, folder: Path, depth: int) -> None:
    """A folder in a folder in a folder, with a text in each of the first ten and in the last."""
    top = folder / "deep"
    top.mkdir()
    (top / "top.txt").write_text("top", "utf-8")
    descriptor = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("a", dir_fd=descriptor)
        descriptor = _moved(descriptor, "a")
    os.close(os.open("bottom.txt", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    output = folder / "deep.tokens"
    inspected = _materials.attempt(lambda observer: describe(str(top), observer=observer))
    for what, (code, said) in (("tokenize", _materials.tokenized(top, output, "char")), ("inspect", inspected)):
        tally.case(code == 0, f"{what} of {depth} levels: exit code {code}, {said}")
    tally.case(_texts(output) == ["top"] and bool(_reasons(output)), f"{depth} levels: {_reasons(output)}")
    os.unlink("bottom.txt", dir_fd=descriptor)
    for _ in range(depth):  # recursive removal has a limit of its own
        descriptor = _moved(descriptor, "..")
        os.rmdir("a", dir_fd=descriptor)
    os.close(descriptor)
    shutil.rmtree(top)


def _moved(descriptor: int, name: str) -> int:
    """An open folder → the one of that name in it."""
    found = os.open(name, os.O_RDONLY, dir_fd=descriptor)
    os.close(descriptor)
    return found


def _crowd(tally: Tally, folder: Path, count: int) -> None:
    """Many files in one folder: listing four times as many takes four times as long, give or take."""
    from seqgen.tokenization.sources import resolve

    seconds = {}
    for number in (count // 4, count):
        place = folder / f"crowd{number}"
        place.mkdir()
        for index in range(number):
            (place / f"{index}.txt").write_bytes(b"")
        began = time.process_time()
        found = len(resolve([place]))
        seconds[number] = time.process_time() - began
        tally.case(found == number, f"found {found} of {number} files")
        shutil.rmtree(place)
    tally.facts["seconds_for_files"] = round(seconds[count], 3)
    slow = f"{count // 4} files took {seconds[count // 4]:.2f} s, {count} {seconds[count]:.2f} s"
    tally.case(seconds[count] < 12 * seconds[count // 4] + 0.2, slow)
