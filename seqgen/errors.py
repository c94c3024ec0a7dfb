"""Every way in which seqgen refuses, as one tree. This module imports nothing.

    SeqgenError                 one clear sentence, and a hint
    ├── UsageError              the call is wrong: exit code 2
    │   └── SettingError        an unknown key, or a value out of range
    └── DataError               the data is wrong: exit code 1
        ├── CorpusError         a source that cannot be found, read or tokenized
        ├── MidiError           a MIDI, MusicXML or ABC file that cannot be read
        ├── StreamError         a token stream that is damaged or does not fit
        ├── CheckpointError     a checkpoint that is damaged or does not fit
        ├── DownloadError       a named corpus that cannot be fetched
        ├── HubError            what the Hub does not have, does not give or does not take
        ├── TakeError           a take that is not there, or a list of takes that is damaged
        └── OutputError         a file that cannot be written

A message names the thing, the value and what was expected; the hint says what to do next.
"""


class SeqgenError(Exception):
    """The root of the tree.

    Args:
        message: One sentence: the thing, the value, what was expected.
        hint: What the reader can do about it, or an empty string.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nHint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        # Worker processes send errors home; the default would lose the hint.
        return type(self), (self.message, self.hint)


class UsageError(SeqgenError):
    """The call is wrong; nothing was read or written."""

    exit_code = 2


class SettingError(UsageError):
    """A setting has an unknown key or a value out of range."""


class DataError(SeqgenError):
    """The data is wrong, not the call."""


class CorpusError(DataError):
    """A source cannot be found, read or tokenized."""


class MidiError(DataError):
    """A MIDI, MusicXML or ABC file cannot be read."""


class StreamError(DataError):
    """A token stream is damaged, or does not fit where it is used."""


class CheckpointError(DataError):
    """A checkpoint is damaged, or does not fit where it is used."""


class DownloadError(DataError):
    """A named corpus cannot be fetched, or is not what its recipe promises."""


class HubError(DataError):
    """The Hub cannot be reached, does not have what is asked for, or does not take what is pushed."""


class TakeError(DataError):
    """A take is not there, or the list of takes cannot be read or written."""


class OutputError(DataError):
    """A file cannot be written; what was there before is untouched."""


FAULT = "ended by a fault of its own"  # so ends a sentence about an error that nobody foresaw

# What code that takes data for sound raises where the data is damaged or forged: a wrong value, type, key or place, a
# missing attribute, nesting beyond measure, infinity as a whole number. Readers turn all of it into a DataError.
MALFORMED = (ValueError, TypeError, LookupError, AttributeError, RecursionError, ArithmeticError)
