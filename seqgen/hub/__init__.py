"""The Hugging Face Hub: models and datasets by name, fetched once, pinned to a commit, and models pushed.

    hf://user/repo[@revision][/file.safetensors]       a checkpoint; the file is `model.safetensors` unless it is named
    hf://datasets/user/repo[@revision][/path or glob]  a SOURCE: the whole repository, a folder, a file or a glob

A revision is a branch, a tag or a commit (`%2F` for a slash in it); without one the repository's main branch is asked.
What is fetched lies in the cache under its commit, and a name with a whole commit that is there needs no network:

    hub/ENDPOINT/models--user--repo/COMMIT/KEY/NAME    a file; KEY is a digest of its path in the repository
    hub/ENDPOINT/models--user--repo/COMMIT/KEY/found   JSON: its path, bytes and SHA-256
    hub/ENDPOINT/datasets--user--repo/COMMIT/tree      JSON: every file of the commit, its bytes and checksum

All calls are those of the package `huggingface_hub` (the extra `hub`), imported when they are made; it reads the token
and `HF_ENDPOINT`. A token is in no file, no message and no name here. This room knows nothing of codecs and models.
"""

from seqgen.hub.fetching import Found, checkpoint, dataset, pinned, text
from seqgen.hub.names import DATASETS, SCHEME, Name, is_dataset, is_name, origin, origins, parse, repository
from seqgen.hub.pushing import Standing, look, push

__all__ = [
    "DATASETS", "SCHEME", "Found", "Name", "Standing", "checkpoint", "dataset", "is_dataset", "is_name", "look",
    "origin", "origins", "parse", "pinned", "push", "repository", "text",
]  # fmt: skip
