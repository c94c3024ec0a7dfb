"""What of a SOURCE is wanted and how its files become tokens: the same for every job that takes one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as plain_field
from typing import Any

from seqgen.arguments import check_types
from seqgen.documents import Documents
from seqgen.files.choosing import Choice
from seqgen.tokenization.settings import TokenizeSettings, separate
from seqgen.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class InFolders:
    """What of folders is read, as `seqgen.files.choosing.Choice` has it.

    Attributes:
        follow_links: Whether links in a folder may lead out of it.
        everything: Read what is hidden and what a tool made, too.
        include: Read only what fits one of these patterns, if there are any.
        exclude: Leave out what fits one of these.

    Raises:
        SettingError: A value is not of its type, or a pattern is none.
    """

    follow_links: bool = False
    everything: bool = False
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def __post_init__(self) -> None:
        check_types(self)
        _ = self.choice

    @property
    def choice(self) -> Choice:
        """The same as one value."""
        return Choice(self.follow_links, self.everything, self.everything, tuple(self.include), tuple(self.exclude))


@dataclass(frozen=True, kw_only=True)
class InTokens(InFolders):
    """How files become tokens, for jobs that make a stream of them.

    Attributes:
        codec: How files become tokens; None: guessed from them.
        settings: Settings by name: the codec's, and `skip_bad`, leave out what cannot be read; whoever trains takes
            those of cell, model and training besides.
        workers: Processes that count and encode.
        encoding: The text's, where it is not UTF-8; auto: each file's own.
        label: Label every document so, instead of by its folder.
        documents: What of a file a document is: file, line, blank (what stands between blank lines) or a text that
            stands between documents; None: the lines of a list, the file of all else.
        field, label_field: Read tables: the field of each record that is its text, and the one that is its label.

    Raises:
        UsageError, SettingError: A value is not of its type, out of range, or does not go with another.
    """

    codec: str | None = None
    settings: Mapping[str, Any] = plain_field(default_factory=dict)
    workers: int = 1
    encoding: str | None = None
    label: str | None = None
    documents: str | None = None
    field: str | None = None
    label_field: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tokenizing({})

    @property
    def cut(self) -> str | Documents | None:
        """What a document is, see `Documents.asked`."""
        return Documents.asked(self.documents, self.field, self.label_field)

    def tokenizing(self, settings: Mapping[str, Any], tokenizer: Tokenizer | None = None) -> TokenizeSettings:
        """How files become tokens, in the value that tokenization takes.

        Args:
            settings: Those of the codec, and `skip_bad`.
            tokenizer: What to encode with; None: `codec`, fitted to the files.
        """
        options, skip_bad = separate(settings)
        codec = self.codec if tokenizer is None else None
        return TokenizeSettings(codec, options, self.encoding, self.label, skip_bad, tokenizer, self.cut, self.workers)
