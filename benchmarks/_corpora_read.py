"""What is read of repositories: of source nearly all, of dependencies and build outputs nothing.

    python benchmarks/corpora.py read FOLDER/*

Each argument is the work tree of a public repository. What is source is counted here, by a list of suffixes, whatever
seqgen thinks of it. Work trees hold no dependencies and no build outputs, as those are never committed: some are put
into a copy of each, in the folders that tools make.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from _report import write_json

from seqgen.tokenization.guessing import guess_codec
from seqgen.tokenization.selecting import select
from seqgen.tokenization.sources import resolve

SUFFIXES = """
.c .h .cc .cpp .cxx .hh .hpp .hxx .ipp .inl .java .kt .scala .groovy .js .mjs .cjs .jsx .ts .tsx .vue .go .rs .py .pyi
.rb .erb .lua .cs .fs .php .pl .pm .tcl .sh .bash .swift .m .mm .r .jl .hs .ml .ex .exs .erl .clj .sql .s .asm
"""
SOURCE = frozenset(SUFFIXES.split())
PLANTED = {
    "node_modules/left/index.js": "module.exports = 1;\n",
    "packages/x/node_modules/left/index.js": "module.exports = 1;\n",
    "venv/pyvenv.cfg": "home = /usr\n",
    "venv/lib/python3.12/site-packages/six.py": "x = 1\n",
    "build/lib/made.py": "x = 1\n",
    "dist/bundle.js": "var x = 1;\n",
    "target/debug/made.rs": "fn x() {}\n",
    "src/__pycache__/x.cpython-312.py": "x = 1\n",
    "x.egg-info/PKG-INFO.py": "x = 1\n",
    "site.min.js": "var a=1;",
}


def main() -> None:
    """Measure each repository that is named."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("repository", nargs="+", type=Path)
    given = parser.parse_args()
    found = {path.name: measured(path) for path in given.repository}
    for name, row in found.items():
        print(
            f"{name:16} {row['codec']:9} source {row['source_bytes']:>10,} bytes, read {row['source_read']:8.2%}; "
            f"planted {row['planted_read']} of {row['planted']}; {row['seconds']:.2f} s; missed {row['missed'][:4]}"
        )
    write_json("corpora_read", found)


def measured(repository: Path) -> dict[str, object]:
    """What is read of a copy of a repository in which dependencies and build outputs lie."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / repository.name
        shutil.copytree(repository, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        source = {
            path.relative_to(copy).as_posix(): path.stat().st_size
            for path in copy.rglob("*")
            if path.suffix.lower() in SOURCE and path.is_file() and not path.is_symlink()
        }
        planted = [name for name in PLANTED if not (copy / name).exists()]
        for name in planted:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text(PLANTED[name])
        began = time.perf_counter()
        sources = resolve([copy])
        codec, _ = guess_codec(sources)
        chosen, _ = select(sources, codec)
        seconds = time.perf_counter() - began
        read = {each.path.relative_to(copy).as_posix() for each in chosen}
    missed = sorted(source.keys() - read, key=lambda name: -source[name])
    return {
        "codec": codec,
        "source_bytes": sum(source.values()),
        "source_read": sum(source[name] for name in source.keys() & read) / max(1, sum(source.values())),
        "missed": missed[:20],
        "planted": len(planted),
        "planted_read": len(read.intersection(planted)),
        "files_read": len(read),
        "seconds": round(seconds, 3),
    }
