"""The package `huggingface_hub`, imported when the Hub is asked for, and its failures as sentences.

Nothing of what the package or the server says is passed on but a status: a server may answer with the token it got.
"""

import contextlib
import hashlib
import importlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from seqgen.errors import HubError, SeqgenError
from seqgen.hub.names import Name

INSTALL = "pip install 'seqgen-art[hub]'"
TOKEN = "log in with `hf auth login`, or set HF_TOKEN to a token of https://huggingface.co/settings/tokens"
AGAIN = "check the network connection and try again"
USUAL = "https://huggingface.co"
PARTS = tuple(f"huggingface_hub{part}" for part in ("", ".constants", ".errors", ".utils"))  # the rest comes by itself
SECONDS = 30  # without an answer


def library() -> ModuleType:
    """The package.

    Raises:
        HubError: It is not installed, or does not start.
    """
    try:
        for part in PARTS:
            importlib.import_module(part)
    except ImportError:
        message = "the Hub is reached with the package huggingface_hub, which is not installed"
        raise HubError(message, INSTALL) from None
    except Exception as error:  # it reads its settings from the environment as it starts
        message = f"the package huggingface_hub does not start ({type(error).__name__})"
        raise HubError(message, "look at the environment variables that begin with HF_") from None
    return sys.modules[PARTS[0]]


def api() -> Any:
    """The package's client. Raises HubError, also where the token cannot be sent."""
    import seqgen

    token = library().get_token() or ""
    if not (token.isascii() and token.isprintable()):
        raise HubError("the token of the Hub holds letters that no token has", TOKEN)
    return library().HfApi(endpoint=endpoint(), library_name="seqgen", library_version=seqgen.__version__)


def endpoint() -> str:
    """The address of the Hub, or of another one that the user names."""
    return (os.environ.get("HF_ENDPOINT") or USUAL).rstrip("/")


def endpoint_key() -> str:
    """What tells the cache of one Hub from that of another."""
    return "hub" if endpoint() == USUAL else hashlib.sha256(endpoint().encode()).hexdigest()[:8]


def has_token() -> bool:
    """Whether the user has logged in or set a token."""
    return bool(library().get_token())


@contextlib.contextmanager
def told(name: Name, doing: str = "is asked for", bars: bool = False) -> Iterator[list[str]]:
    """Calls of the package in silence: what it warns of goes into the list, what it raises becomes a HubError.

    Args:
        name: What it is about.
        doing: What happens to it, for messages.
        bars: Whether the package shows its own progress bars, on a terminal; nothing else can see an upload by Xet.
    """
    logger, heard = logging.getLogger("huggingface_hub"), list[str]()
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with contextlib.nullcontext() if bars and sys.stderr.isatty() else _no_bars():
                yield heard
        heard += [_without_token(str(each.message)) for each in caught if each.category is UserWarning]
    except SeqgenError:
        raise
    except Exception as error:
        raise _sentence(error, name, doing) from None  # its text may hold what the server said
    finally:
        logger.setLevel(level)


def _without_token(text: str) -> str:
    """A text of the server, which may hold what it was sent."""
    token = library().get_token()
    return text.replace(token, "…") if token else text


@contextlib.contextmanager
def _no_bars() -> Iterator[None]:
    """Without the package's own progress bars, which come for files of no bytes and stay where they end."""
    utils = library().utils
    silence = not utils.are_progress_bars_disabled()
    if silence:
        utils.disable_progress_bars()
    try:
        yield
    finally:
        if silence:
            utils.enable_progress_bars()


def _sentence(error: Exception, name: Name, doing: str) -> HubError:
    """What went wrong, in one sentence of ours."""
    kinds = library().errors
    causes = (error, error.__cause__)
    answers = [getattr(getattr(cause, "response", None), "status_code", None) for cause in causes]
    status = next((answer for answer in answers if answer is not None), None)
    about: list[tuple[type | tuple[type, ...], str, str]] = [
        (kinds.GatedRepoError, "is given to some people only", f"ask for access on its page, and {TOKEN}"),
        (kinds.RepositoryNotFoundError, "there is no such repository, or it is private and not yours",
         f"look at the spelling; for a private one {TOKEN}"),
        (kinds.RevisionNotFoundError, f"there is no revision {name.revision!a}", "name a branch, a tag or a commit"),
        (kinds.RemoteEntryNotFoundError, "there is no such file in it", "look at the list of files on its page"),
        (kinds.OfflineModeIsEnabled, "is not in the cache, and HF_HUB_OFFLINE is set", "unset it to fetch it"),
        (kinds.FileMetadataError, f"{endpoint()} answers like no Hub", "is HF_ENDPOINT right?"),
    ]  # fmt: skip
    for cause in causes:
        for kind, message, hint in about:
            if isinstance(cause, kind):
                return HubError(f"{name}: {message}", hint)
    if status is not None:
        return HubError(f"{name}: {_STATUS.get(status, f'the server answers {status}')}", _HINTS.get(status, AGAIN))
    module = type(error).__module__.partition(".")[0]
    if module.startswith(("http", "hf_xet")) or isinstance(error, kinds.LocalEntryNotFoundError | ConnectionError):
        hint = AGAIN if endpoint() == USUAL else f"{AGAIN}; HF_ENDPOINT names this address"
        return HubError(f"{name}: {endpoint()} cannot be reached ({type(error).__name__})", hint)
    if isinstance(error, OSError) and error.errno is not None:
        return HubError(f"{name}: cannot be kept ({error.strerror})", "SEQGEN_CACHE sets where it is kept")
    if isinstance(error, OSError):  # of the package itself, where fewer bytes came than were to come
        return HubError(f"{name}: the connection was cut", AGAIN)
    return HubError(f"{name}: {doing}, but the answer makes no sense ({type(error).__name__})", "is HF_ENDPOINT right?")


_STATUS = {
    400: "the Hub does not accept this",
    401: "the token is not accepted",
    403: "the token does not allow this",
    409: "somebody else is changing it",
    412: "somebody else has changed it meanwhile",
    413: "is larger than the Hub takes",
    429: "the Hub asks for patience: too many calls",
}
_HINTS = {
    400: "in a push: is --licence one that the Hub knows, such as mit or cc-by-4.0, or else in several words?",
    401: TOKEN,
    403: "a push needs a token that may write there",
    409: "try again in a moment",
    412: "look at what is there, and push again",
    413: "push a smaller model",
    429: "try again later",
}
