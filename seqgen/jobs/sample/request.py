"""The options of `seqgen generate`: whether they fit the model, and the prompts that they stand for."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqgen.api.model import Model
from seqgen.api.music import Music
from seqgen.api.primer import read_prompt
from seqgen.api.sampler import UNLIMITED, Sampling
from seqgen.cli._options import note
from seqgen.codecs import Ids
from seqgen.errors import UsageError
from seqgen.files import STANDARD, guarding
from seqgen.generation import EngineName


@dataclass(frozen=True)
class Request:
    """The options of the command, as they were given; `length` None: by medium, `timing` that of a primer."""

    prompt: str | None
    prompt_file: str | None
    samples: int
    length: float | None
    temperature: float | str
    rules: tuple[tuple[str, str], ...]
    output: str | None
    seed: int
    stop: tuple[str, ...]
    label: str | None
    free: bool
    engine: EngineName
    device: str
    as_json: bool
    events: bool = False
    follow: bool = False
    no_take: bool = False
    grammar: str = "auto"
    balanced: bool = False
    max_copy: int | str | None = None
    best_of: int = 1
    beam: int | None = None
    music: Music | None = None
    unseen: bool = False
    no_prompt: bool = False
    timing: dict[str, Any] | None = None

    @property
    def unlimited(self) -> bool:
        """Whether there is no end to it, so that nothing may be kept in memory."""
        return self.length == UNLIMITED

    def sampling(self) -> Sampling:
        """What of it concerns the draws."""
        grammar: Any = "c" if self.grammar == "c" and not self.free else not self.free
        more: Any = {"balanced": self.balanced, "max_copy": self.max_copy, "music": self.music}
        more["unseen"] = self.unseen
        return Sampling(self.seed, self.temperature, self.rules, self.length, self.stop, grammar, **more)


def check(request: Request, model: Model, paths: list[Path] | None) -> None:
    """Whether the options fit each other and the medium.

    Raises:
        UsageError: They do not.
    """
    text = model.pieces is not None
    if request.prompt is not None and request.prompt_file is not None:
        raise UsageError("both --prompt and --prompt-file were given, expected one of them")
    if request.events and request.as_json:
        raise UsageError("both --events and --json were given, expected one of them", "--events tells of samples too")
    if request.unlimited:
        _check_unlimited(request, text, paths)
    if request.follow:
        _check_follow(request)
    _check_choice(request)
    if text or request.stop or request.events:  # the sampler refuses --stop for music
        return
    if paths is None and (sys.stdout.isatty() or request.as_json or request.samples > 1):
        suffix = model.artifact
        raise UsageError(f"{suffix} files are not for the terminal", f"name a file: -o song{suffix}")


def _check_unlimited(request: Request, text: bool, paths: list[Path] | None) -> None:
    told = request.events and paths is None  # music without an end can be told of, but makes no file
    if request.samples > 1 or request.as_json or not (text or told):
        raise UsageError("--length inf goes with a single sample of text, or with --events", "give a number of tokens")


def _check_follow(request: Request) -> None:
    if request.samples > 1:
        raise UsageError(f"--follow steers a single sample, not {request.samples}", "leave --samples out")
    if STANDARD in (request.prompt_file,):
        hint = "give the prompt as a file, or as a control line"
        raise UsageError("--follow reads standard input, so the prompt cannot come from there", hint)
    guarding.reads(STANDARD)


def _check_choice(request: Request) -> None:
    """What is chosen among several cannot go out, or be steered, while it is sampled."""
    flag = "--beam" if request.beam is not None else "--best-of" if request.best_of > 1 else None
    if flag is None:
        return
    if request.beam is not None and request.best_of > 1:
        raise UsageError("both --beam and --best-of were given, expected one of them")
    if request.unlimited or request.follow:
        other = "--follow" if request.follow else "--length inf"
        raise UsageError(f"{flag} chooses among whole samples, which does not go with {other}")
    if request.beam is not None and request.stop:
        raise UsageError("--beam does not go with --stop", "use --best-of, or a shorter --length")
    if request.beam is not None and request.samples > request.beam:
        raise UsageError(f"a beam of {request.beam} gives no {request.samples} samples", "ask for a wider one")


def labels(model: Model, request: Request) -> list[str | None]:
    """Each sample's label: the one asked for, or any, since every document that was learned from has one."""
    chosen = [model.label(request.label, request.seed, index) for index in range(request.samples)]
    if request.label is None and model.tokenizer.labels:
        note(f"Label {', '.join(sorted({str(label) for label in chosen}))}; --label chooses.")
    return chosen


def primer(model: Model, request: Request) -> tuple[bytes, str]:
    """(what to go on from, what it is called); nothing where a new document begins.

    Raises:
        DataError: It cannot be read.
    """
    name = request.prompt_file
    if request.prompt and model.pieces is None:
        name = request.prompt  # music is continued from a file, whichever flag names it
    return (model.read(request.prompt), "the prompt") if name is None else (read_prompt(name), name)


def prompts(
    model: Model, request: Request, chosen: list[str | None], data: bytes = b"", name: str = "the prompt"
) -> list[Ids]:
    """(n,) ids of each sample's beginning: the frame of a document and the prompt, if there is one.

    Raises:
        UsageError: There is no such label.
        DataError: The prompt holds nothing to go on from.
    """
    seconds = None if request.music is None else request.music.sampled
    made = {label: model.prompt(data, label, name, seconds) for label in dict.fromkeys(chosen)}
    return [made[label] for label in chosen]
