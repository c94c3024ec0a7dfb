"""How files are to become tokens, in one value that checks itself: what a user may say, and nothing that files say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seqgen import registry
from seqgen.arguments import MOST_WORKERS, check_types, finite
from seqgen.documents import Documents
from seqgen.errors import UsageError
from seqgen.settings import convert
from seqgen.tokenization.encodings import AUTO
from seqgen.tokenization.text import decoder
from seqgen.tokenizer import Tokenizer

SKIP_BAD = "skip_bad"  # a setting of tokenization, whatever the codec


@dataclass(frozen=True)
class TokenizeSettings:
    """What was asked for; `planning.plan` decides what is left open.

    Attributes:
        codec: The codec's name; None: guessed from the files.
        options: The codec's settings by name, as text or as they are.
        encoding: The text's encoding, AUTO for each file's own; None takes UTF-8, and keeps bytes that are not.
        label: One label for all documents, instead of those from folder names.
        skip_bad: Leave out files that cannot be read, and mend those that can be; None means: of several files.
        tokenizer: What to encode with, such as a checkpoint's, instead of a codec fitted to the files. Labels that it
            does not know fall away.
        documents: What of a file a document is: file, line, blank (what stands between blank lines) or a text that
            stands between documents; fields of a table; None: as `tokenizer` has it, else the lines of a list and the
            file of all else.
        workers: How many processes count and encode.

    Raises:
        UsageError: There is no such codec, the mark between documents is blank, or a codec and a tokenizer were given.
        SettingError: A value is not of its type, there is no such encoding, or workers is out of range.
    """

    codec: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    encoding: str | None = None
    label: str | None = None
    skip_bad: bool | None = None
    tokenizer: Tokenizer | None = None
    documents: str | Documents | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        check_types(self)
        finite("workers", self.workers, f"1 to {MOST_WORKERS}", least=1, most=MOST_WORKERS)
        if self.codec is not None:
            registry.known("codecs", self.codec)
        if self.tokenizer is not None and (self.codec is not None or self.options):
            raise UsageError("both a codec and a tokenizer were given", "a tokenizer has its own codec and settings")
        if self.encoding not in (None, AUTO):
            decoder(str(self.encoding))
        if isinstance(self.documents, str):
            Documents.named(self.documents)


USUAL = TokenizeSettings()


def separate(values: Mapping[str, Any]) -> tuple[dict[str, Any], bool | None]:
    """Settings as given with -P → (the codec's own, `skip_bad` or None).

    Raises:
        SettingError: `skip_bad` is no truth value.
    """
    rest = dict(values)
    skip = rest.pop(SKIP_BAD, None)
    return rest, None if skip is None else bool(convert(SKIP_BAD, skip, bool))
