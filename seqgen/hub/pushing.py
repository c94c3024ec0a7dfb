"""Files become a commit of a model's repository; what is there is looked at before, so that nobody's work is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seqgen.errors import HubError
from seqgen.hub import fetching, library
from seqgen.hub.downloading import SHOWN
from seqgen.hub.names import Name

CARD = "README.md"
CARD_BYTES = 1_000_000
OF_GIT = (".gitattributes", ".gitignore")


@dataclass(frozen=True)
class Standing:
    """What a repository holds before a push.

    Attributes:
        commit: Its newest; None: there is no such repository.
        files: Their paths, those of git aside.
        card: Its README.md; None: there is none that can be read.
        private: Whether only its owner sees it.
    """

    commit: str | None = None
    files: tuple[str, ...] = ()
    card: str | None = None
    private: bool = False


def look(name: Name) -> Standing:
    """What is there.

    Raises:
        HubError: There is no token, or the Hub cannot be reached.
    """
    if not library.has_token():
        raise HubError(f"{name}: a push needs a token, and there is none", library.TOKEN)
    kinds = library.library().errors
    with library.told(name):
        try:
            found = library.api().model_info(name.repo, timeout=library.SECONDS)
        except kinds.GatedRepoError:
            raise
        except kinds.RepositoryNotFoundError:
            return Standing()
        files = tuple(str(each.rfilename) for each in found.siblings or () if each.rfilename not in OF_GIT)
        commit, private = str(found.sha), bool(found.private)
    card = fetching.text(name.at(commit), CARD, CARD_BYTES) if CARD in files else None
    return Standing(commit, files, card, private)


def push(
    name: Name, files: Mapping[str, Path | bytes], title: str, standing: Standing, private: bool
) -> tuple[str, list[str]]:
    """Commit files to the main branch of a repository, which is made where it is not there.

    Args:
        name: The repository.
        files: Path in it → a file, or its content.
        title: Of the commit.
        standing: What `look` found; where another commit has come since, nothing is committed.
        private: Whether only its owner sees a repository that is made.

    Returns:
        (the commit, what the Hub warns of).

    Raises:
        HubError: The Hub does not take it; a repository that was made for it stays, empty.
    """
    client, add = library.api(), library.library().CommitOperationAdd
    large = any(isinstance(content, Path) and content.stat().st_size >= SHOWN for content in files.values())
    with library.told(name, "is pushed to", bars=large) as warned:
        if standing.commit is None:
            client.create_repo(name.repo, private=private, repo_type=name.kind, exist_ok=True)
        operations = [add(path_in_repo=path, path_or_fileobj=content) for path, content in files.items()]
        done = client.create_commit(
            name.repo, operations, commit_message=title, repo_type=name.kind, parent_commit=standing.commit
        )
        commit = str(done.oid)
    return commit, warned
