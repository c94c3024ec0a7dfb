"""A corpus in parts that are tokenized anywhere, at any time, by anyone, and joined to the bytes of a single run.

Every part plans the whole corpus and learns from all of it (one pass that only counts), so that it needs nothing but
the files; it encodes its own files alone. A part is a run of whole files, about as many bytes as the others.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import seqgen
from seqgen.errors import StreamError, UsageError
from seqgen.report import Report
from seqgen.stream import StreamWriter, TokenStream
from seqgen.stream.tables import VERSION, Shard
from seqgen.tokenization.building import nothing, write
from seqgen.tokenization.fitting import fitted
from seqgen.tokenization.planning import TokenizePlan
from seqgen.tokenization.pool import spread
from seqgen.tokenization.sources import Source
from seqgen.tokenizer import Tokenizer

MOST = 100_000
BLOCK = 1 << 22  # ids copied at once
NAMED = 8  # missing parts that are named
SHARD = re.compile(r"([0-9]{1,6})/([0-9]{1,6})", re.ASCII)


def parse_shard(text: str) -> tuple[int, int]:
    """(index, count) of "3/7".

    Raises:
        UsageError: It is no such text.
    """
    match = SHARD.fullmatch(text)
    index, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= index <= count <= MOST:
        raise UsageError(f"shard is {text!r}, expected a part and how many there are, as in 3/7")
    return index, count


def part(sources: Sequence[Source], index: int, count: int) -> tuple[Source, ...]:
    """The files of part `index` of `count`: those whose middle byte lies in it, the files laid end to end."""
    sizes = [source.path.stat().st_size + 1 for source in sources]  # + 1: empty files are spread, too
    total, begin, mine = sum(sizes), 0, []
    for source, size in zip(sources, sizes):
        if (2 * begin + size) * count // (2 * total) == index - 1:
            mine.append(source)
        begin += size
    return tuple(mine)


def plan_key(made: TokenizePlan, tokenizer: Tokenizer, count: int) -> str:
    """What identifies the parts that belong together: files by name and length, codec, settings, what was learned."""
    content = {
        "versions": [seqgen.__version__, VERSION],
        "tokenizer": tokenizer.spec(),
        "encoding": made.encoding,
        "skip_bad": made.skip_bad,
        "files": [
            [source.name, source.path.stat().st_size, source.label, *([source.head] if source.head[1] else [])]
            for source in made.sources
        ],
        "count": count,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def build_shard(
    index: int, count: int, made: TokenizePlan, output: str | Path, workers: int, progress: Callable[[int], object]
) -> None:
    """Carry out part `index` of `count` of a plan."""
    tokenizer = made.tokenizer or fitted(made, partial(spread, workers))
    shard = Shard(index, count, plan_key(made, tokenizer, count))
    write(replace(made, sources=part(made.sources, index, count)), tokenizer, output, workers, progress, shard)


def merge(paths: Sequence[Path], output: Path) -> TokenStream:
    """Join all parts of a corpus, in whatever order they are named, to the very bytes of a single run.

    Raises:
        StreamError: A file is damaged or no part; a part is missing or there twice; parts belong to other plans.
        CorpusError: None of the parts holds a token.
        OutputError: The output cannot be written.
    """
    streams = _in_order([TokenStream.load(path) for path in paths])
    with StreamWriter(output, streams[0].codec_spec, streams[0].vocab_size) as writer:
        for stream in streams:
            _join(writer, stream)
        if not writer.tokens:
            raise nothing(writer.report if writer.report.skipped else Report(skipped={"": "holds nothing"}))
    return TokenStream.open(output)


def _join(writer: StreamWriter, stream: TokenStream) -> None:
    """Append all documents of a stream, and what it says of its files."""
    writer.add_documents(stream.ids[:0], stream.starts[1:], stream.labels)
    for at in range(0, len(stream.ids), BLOCK):
        writer.add(stream.ids[at : at + BLOCK])
    writer.sources += map(dict, stream.sources)
    writer.report.add(stream.report)


def _in_order(streams: Sequence[TokenStream]) -> list[TokenStream]:
    """Parts that belong together and are all there, in their order."""
    if not streams:
        raise UsageError("no shard was named", "name all of them: seqgen merge parts/*.tokens -o all.tokens")
    found: dict[int, TokenStream] = {}
    first = streams[0]
    for stream in streams:
        if stream.shard is None or first.shard is None:
            hint = "shards are made with: seqgen tokenize … --shard 1/4"
            raise StreamError(f"{(first if first.shard is None else stream).path}: is a whole stream, no shard", hint)
        if stream.shard.plan != first.shard.plan or stream.codec_spec != first.codec_spec:
            different = f"{stream.path}: is shard {stream.shard.index}/{stream.shard.count} of another plan"
            hint = "all must come from the same files, codec, settings and number of shards"
            raise StreamError(f"{different} than {first.path}", hint)
        if stream.shard.index in found:
            again = f"{stream.path}: is shard {stream.shard.index}/{stream.shard.count}"
            raise StreamError(f"{again}, as is {found[stream.shard.index].path}", "name each once")
        found[stream.shard.index] = stream
    _complete(found, 0 if first.shard is None else first.shard.count)
    return [found[index] for index in sorted(found)]


def _complete(found: dict[int, TokenStream], count: int) -> None:
    missing = [index for index in range(1, count + 1) if index not in found]
    if missing:
        named = ", ".join(map(str, missing[:NAMED])) + (f" and {len(missing) - NAMED} more" * (len(missing) > NAMED))
        first = f"{missing[0]}/{count}"
        raise StreamError(
            f"of {count} shards {named} {'is' if len(missing) == 1 else 'are'} missing", f"--shard {first}"
        )
