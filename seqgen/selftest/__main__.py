"""One check in a process of its own: `python -m seqgen.selftest NAME SIZE SEED` prints the outcome as JSON."""

import json
import os
import sys
import tempfile
from pathlib import Path

from seqgen import selftest
from seqgen.jobs.selftest import Size

FORMS: dict[str, Size] = {"quick": "quick", "long": "long"}


def main(name: str, size: str, seed: int) -> None:
    """Run a check away from the user's cache and takes."""
    with tempfile.TemporaryDirectory(prefix="seqgen-cache-", ignore_cleanup_errors=True) as cache:
        os.environ |= {"SEQGEN_CACHE": cache, "SEQGEN_TAKES": str(Path(cache) / "takes.sqlite")}
        outcome = selftest.check(name, FORMS[size] if size in FORMS else int(size), seed)
    print(json.dumps(outcome.to_json()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
