"""An unchanged corpus is not tokenized twice. What counts is the content of the files, never their names, but for those
of the Hub: they hold the commit, which is part of the stream's story.

The key is a SHA-256 over everything the tokens depend on: content and labels of the files in order, codec, options,
encoding, whether bad files are skipped, and the versions of this package and of the stream format. Streams lie in the
cache folder (`seqgen.files.cache_folder`) under their key; those used longest ago go when they exceed 20 GB together.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import seqgen
from seqgen import hub
from seqgen.errors import CorpusError, StreamError
from seqgen.files import cache_folder
from seqgen.report import Report
from seqgen.stream import TokenStream
from seqgen.stream.tables import VERSION
from seqgen.tokenization.building import build
from seqgen.tokenization.planning import TokenizePlan, plan, silent
from seqgen.tokenization.reading import content_hash
from seqgen.tokenization.settings import USUAL, TokenizeSettings
from seqgen.tokenization.sources import Note, Source
from seqgen.tokenization.telling import told

MAX_CACHED = 20_000_000_000
USED = ".used"


def cached_stream(
    sources: Sequence[Source],
    asked: TokenizeSettings = USUAL,
    note: Note = silent,
    progress: Callable[[int], object] = lambda count: None,
) -> TokenStream:
    """The token stream of these files, from the cache where it is there.

    Arguments and errors are those of `seqgen.tokenization.building.tokenize`.
    """
    made = plan(sources, asked, note)
    for name, reason in made.passed.items():  # not in the stream's report: the next call may find the same files only
        note(f"Left out {name}: {reason}")
    for line in told(Report(left_out=dict(made.left)), sum(source.size for source in made.sources)):
        note(line)
    folder = cache_folder("streams")
    path = folder / f"{key(made)}.tokens"
    if path.exists():
        try:
            stream = TokenStream.load(path)
        except StreamError as error:
            note(f"{error.message}. It is made again.")
        else:
            _mark(path)
            note("Tokenized before: taken from the cache.")
            return stream
    build(made, path, asked.workers, progress)
    _prune(folder, path)
    return TokenStream.open(path)


def key(made: TokenizePlan) -> str:
    """What identifies a plan's tokens."""
    content = {
        "versions": [seqgen.__version__, VERSION],
        "codec": made.codec,
        "options": asdict(made.options),
        "encoding": made.encoding,
        "skip_bad": made.skip_bad,
        "documents": made.documents.to_json(),
        "tokenizer": made.tokenizer and made.tokenizer.spec(),
        "files": [
            [_content(source), source.label, *([source.head] if source.head[1] else [])] for source in made.sources
        ],
    }
    if names := [source.name for source in made.sources if hub.is_name(source.name)]:
        content["hub"] = names
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _content(source: Source) -> str:
    """A file's hash and how it is unpacked; of a file that cannot be read, which file it is."""
    try:
        return content_hash(source) + source.packing
    except CorpusError as error:
        return str(error)


def _mark(path: Path) -> None:
    """Write down that a stream is used, in a file beside it: the stream's own times say whether it was changed."""
    with contextlib.suppress(OSError):
        path.with_suffix(USED).touch()


def _last_use(path: Path) -> float:
    """When a stream was made or used, in seconds."""
    used = path.with_suffix(USED)
    return max(each.stat().st_mtime for each in (path, used) if each.exists())


def _prune(folder: Path, fresh: Path) -> None:
    """Remove what was used longest ago. Another process may be doing the same."""
    with contextlib.suppress(OSError, ValueError):
        files = [(_last_use(path), path) for path in folder.glob("*.tokens") if path != fresh]
        total = fresh.stat().st_size
        for _, path in sorted(files, reverse=True):
            total += path.stat().st_size
            if total > MAX_CACHED:
                path.unlink()
                path.with_suffix(USED).unlink(missing_ok=True)
