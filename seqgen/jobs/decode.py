"""A stream of token ids becomes files again: what `seqgen decode` does."""

import sys
from pathlib import Path

from seqgen.files import STANDARD, atomic_write, guarding, standard_output
from seqgen.jobs.observer import SILENT, Observer
from seqgen.stream import TokenStream
from seqgen.tokenization.meaning import tokenizer_of
from seqgen.tokenization.restoring import restore_all, restore_folder, restored_files
from seqgen.tokenization.sources import spooled


def decode(file: str, output: str, observer: Observer = SILENT) -> None:
    """Write the documents of a `.tokens` file.

    Args:
        file: The stream; "-": standard input.
        output: A file for all documents, a new folder with one file each, or "-" for standard output.
        observer: Is told what was written.

    Raises:
        StreamError: The stream is damaged.
        OutputError: A file cannot be written.
    """
    stream = TokenStream.load(spooled(sys.stdin.buffer, "standard input") if file == STANDARD else file)
    tokenizer = tokenizer_of(stream)
    if output == STANDARD:
        with standard_output() as out:
            out.writelines(restore_all(stream, tokenizer))
    elif Path(output).is_dir() or (not Path(output).suffix and len(restored_files(stream, tokenizer)) > 1):
        guarding.enter(output)
        count = restore_folder(stream, tokenizer, output)
        observer.note(f"{output}: {count:,} files")
    else:
        guarding.claim(output)
        pieces = restore_all(stream, tokenizer)
        if not tokenizer.is_text:  # whole at once, and perhaps in another format
            pieces = iter([tokenizer.medium.converted(b"".join(pieces), Path(output).suffix.lower())])
        with atomic_write(output) as target:
            target.writelines(pieces)
        observer.note(f"{output}: {Path(output).stat().st_size:,} bytes")
