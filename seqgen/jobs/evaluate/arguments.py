"""Names of which some are checkpoints and the rest a SOURCE: which is which."""

import os
from collections.abc import Sequence
from pathlib import Path

from seqgen import hub
from seqgen.checkpoint import FORMAT, MODEL_FILE, find
from seqgen.container import read_header
from seqgen.errors import CheckpointError, DataError, UsageError


def divided(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """(checkpoints, source) of the arguments CHECKPOINT... [SOURCE]...

    The first is a checkpoint, whatever it is; so is each that follows it without a gap and is one. What exists on the
    disk is what it is. A name that stands for a published checkpoint and for a corpus is the corpus where it comes
    last, since that is the place of SOURCE.

    Names of the Hub get the commit that they mean now, so that all that follows means the same.

    Raises:
        UsageError: A name could be either, or a checkpoint stands behind a SOURCE.
        HubError: The Hub cannot be asked.
    """
    arguments = [hub.pinned(name) if hub.is_name(name) else name for name in arguments]
    checkpoints, source = [arguments[0]], list(arguments[1:])
    while source and is_checkpoint(source[0]):
        if is_corpus(source[0]):
            if len(source) == 1:
                break
            file = find(source[0])
            path = file.parent if file.name == MODEL_FILE else file
            raise UsageError(
                f"{source[0]} is both a checkpoint and a corpus",
                f"write the checkpoint as a path, as in {path}, or the corpus as the last argument",
            )
        checkpoints.append(source.pop(0))
    for name in source[1:]:
        if is_checkpoint(name) and not is_corpus(name):
            raise UsageError(
                f"{name} is a checkpoint, but stands behind the SOURCE {source[0]}",
                "write the checkpoints first, and SOURCE last",
            )
    return checkpoints, source


def is_checkpoint(name: str) -> bool:
    """Whether this names a run folder, a checkpoint file or a published checkpoint, be it damaged, by its suffix."""
    if hub.is_name(name):
        return not hub.is_dataset(name)
    try:
        path = find(name)
        return (
            path.suffix == Path(MODEL_FILE).suffix
            or read_header(path, CheckpointError).metadata.get("format") == FORMAT
        )
    except (DataError, OSError, ValueError):
        return False


def is_corpus(name: str) -> bool:
    """Whether this names a catalogued corpus, and nothing on the disk."""
    if os.path.lexists(name) or Path(name).name != name:
        return False
    from seqgen import catalogue

    return name in catalogue.names()
