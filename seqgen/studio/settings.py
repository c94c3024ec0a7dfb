"""What `seqgen studio` is asked for, in one value. Imports nothing heavy."""

from dataclasses import dataclass

from seqgen.arguments import check_types
from seqgen.settings import option


@dataclass(frozen=True, kw_only=True)
class StudioJob:
    """Where the page is, and what it begins with.

    Attributes:
        checkpoint: The model that is chosen at the beginning; None: the page offers those there are.
        port: Where it listens; 0: any that is free.
        host: On which address.
        token: What a page has to know; None: one that is made now.
        browser: Whether to open the browser.
    """

    checkpoint: str | None = None
    port: int = option(0, "Listen here; 0: any port that is free.", least=0, most=65535)
    host: str = option("127.0.0.1", "Open it to other machines, too; needs --token.")
    token: str | None = option(None, "What who comes in has to know.  [default: made anew each time]")
    browser: bool = True

    def __post_init__(self) -> None:
        check_types(self)
