"""How fast text becomes ids and ids become text, on one core; and how much memory a file larger than it takes.

    python benchmarks/tokenize_text.py [--corpus FILE] [--megabytes 32]
    python benchmarks/tokenize_text.py --file-gb 2

The first form compares, in one run, the loop over a dictionary (as nanoGPT's `prepare.py` does it) with the codecs
`byte`, `char`, `c_source` and `subword`, on ASCII and on three mixes of UTF-8. Without a corpus the text is made up of
words drawn with a fixed seed. The second form runs `seqgen tokenize` in a process of its own and asks the system for
that process's peak resident memory. Both write `benchmarks/results/`.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from _report import median_seconds, one_core, print_table, write_json  # isort: skip

WORDS = """time person year way day thing man world life hand part child eye woman place work week case point government
the of and to in is that it was for on are as with they be at one have this from or had by but what some we can out
house small number night water room mother area money story fact month lot right study book word business issue side
kind head far black long little own great other old public bad same able""".split()  # noqa: SIM905
LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
CYRILLIC = "абцдефгхийклмнопярстужвьызАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗ"
SLOW_BYTES = 4 << 20  # what the slow ones get of each text: rates do not depend on it


class Case(NamedTuple):
    """One line of the table: what is measured on which text."""

    name: str
    text: str
    data: bytes
    encode: Callable[[], Any]
    decode: Callable[[Any], object]


def make_text(size: int) -> str:
    """About `size` ASCII characters: lines of words, the same at every call."""
    rng = random.Random(0)
    lines = [" ".join(rng.choices(WORDS, k=rng.randrange(4, 14))).capitalize() + ".\n" for _ in range(20_000)]
    block = "".join(lines)
    return (block * (size // len(block) + 1))[:size]


def hanzi(size: int) -> str:
    """About `size` bytes of Chinese characters, 3,000 different ones, frequent and rare as words are."""
    ranks = np.minimum(np.random.default_rng(0).zipf(1.3, size // 3) - 1, 2999)
    return (ranks.astype("=u4") + 0x4E00).tobytes().decode("utf-32")


def texts(corpus: Path | None, size: int) -> dict[str, bytes]:
    """The same text in ASCII, with e accented, and in Cyrillic letters; and Chinese. Each about `size` bytes."""
    plain = make_text(size)
    if corpus is not None:
        read = corpus.read_bytes()
        plain = (read * (size // max(len(read), 1) + 1))[:size].decode("ascii", "ignore")
    cyrillic = plain.translate(str.maketrans(LATIN, CYRILLIC))
    made = {"ASCII": plain, "accented": plain.replace("e", "é"), "Cyrillic": cyrillic, "Chinese": hanzi(size)}
    return {name: text.encode()[:size].decode("utf-8", "ignore").encode() for name, text in made.items()}


def dictionary_loop(text: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    """Encoding and decoding with a Python dictionary, one character at a time."""
    characters = sorted(set(text))
    id_of = {char: id for id, char in enumerate(characters)}
    char_of = dict(enumerate(characters))

    def encode() -> Any:
        return np.array([id_of[char] for char in text], np.uint16)

    def decode(ids: Any) -> str:
        return "".join([char_of[id] for id in ids.tolist()])

    return encode, decode


def codec_case(codec_name: str, text_name: str, data: bytes, **options: Any) -> Case:
    from seqgen import registry

    kind = registry.load("codecs", codec_name)
    codec = kind.fit([data], kind.Options(**options))
    label = " ".join([codec_name, *map(str, options.values())])
    return Case(label, text_name, data, lambda: codec.encode(data), codec.decode)


def cases(corpus: Path | None, size: int) -> list[Case]:
    found = []
    for name, data in texts(corpus, size).items():
        few = data[:SLOW_BYTES].decode("utf-8", "ignore")
        found.append(Case("dictionary loop", name, few.encode(), *dictionary_loop(few)))
        found += [codec_case(codec, name, data) for codec in ("byte", "char", "c_source")]
        if name in ("ASCII", "accented"):
            found += [codec_case("subword", name, few.encode(), model_type=kind) for kind in ("unigram", "bpe")]
    return found


def measure(case: Case, repeats: int) -> dict[str, Any]:
    """Rates in megabytes (10⁶ bytes) of text a second."""
    ids = case.encode()
    back = case.decode(ids)
    assert (back.encode() if isinstance(back, str) else back) == case.data, "the text does not come back"
    megabytes = len(case.data) / 1e6
    return {
        "codec": case.name,
        "text": case.text,
        "non_ascii_share": round(1 - sum(map(str.isascii, case.data.decode())) / len(case.data.decode()), 4),
        "megabytes": round(megabytes, 1),
        "encode_mb_s": round(megabytes / median_seconds(case.encode, repeats), 1),
        "decode_mb_s": round(megabytes / median_seconds(lambda: case.decode(ids), repeats), 1),
        "bytes_per_token": round(len(case.data) / len(ids), 3),
    }


def compare(corpus: Path | None, megabytes: int, repeats: int) -> None:
    one_core()
    results = [measure(case, repeats) for case in cases(corpus, megabytes * 1_000_000)]
    columns = list(results[0])
    print_table(columns, [[result[column] for column in columns] for result in results])
    settings = {"corpus": corpus.name if corpus else "made up", "megabytes": megabytes, "repeats": repeats}
    print(f"\nwritten: {write_json('tokenize_text', results, settings)}")


def write_large_file(path: Path, size: int) -> None:
    """`size` bytes of text, one line in ten accented, written piece by piece."""
    lines = make_text(1 << 20).splitlines(keepends=True)
    block = "".join(line.replace("e", "é") if index % 10 == 0 else line for index, line in enumerate(lines)).encode()
    with path.open("wb") as file:
        for _ in range(size // len(block)):
            file.write(block)
        file.write(b"." * (size % len(block)))


def large_file(gigabytes: float, folder: Path | None) -> None:
    """Peak memory and rate of the command line on one large file."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        source, target = Path(made) / "large.txt", Path(made) / "large.tokens"
        write_large_file(source, int(gigabytes * 1e9))
        command = [sys.executable, "-P", "-m", "seqgen", "tokenize", str(source), "-c", "char", "-o", str(target)]
        begin = time.perf_counter()
        done = subprocess.run(command, check=False, env={**os.environ, "SEQGEN_CACHE": made})
        seconds = time.perf_counter() - begin
        if done.returncode:
            sys.exit(f"seqgen tokenize ended with exit code {done.returncode}")
        unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB on Linux
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6
        result = {
            "file_gb": gigabytes,
            "peak_memory_mb": round(peak),
            "seconds": round(seconds, 1),
            "mb_s": round(gigabytes * 1e3 / seconds),
            "stream_gb": round(target.stat().st_size / 1e9, 2),
        }
    print_table(list(result), [list(result.values())])
    print(f"\nwritten: {write_json('tokenize_large_file', result)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="ASCII text to measure on, instead of made-up words")
    parser.add_argument("--megabytes", type=int, default=32, help="size of each text (default 32)")
    parser.add_argument("--repeats", type=int, default=5, help="timings of which the median counts (default 5)")
    parser.add_argument("--file-gb", type=float, help="measure `seqgen tokenize` on a file of so many GB instead")
    parser.add_argument("--folder", type=Path, help="where the large file is made (default: the system's)")
    given = parser.parse_args()
    if given.file_gb:
        large_file(given.file_gb, given.folder)
    else:
        compare(given.corpus, given.megabytes, given.repeats)


if __name__ == "__main__":
    main()
