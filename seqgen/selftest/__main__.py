"""One check in a process of its own: `python -m seqgen.selftest NAME COUNT SEED` prints the outcome as JSON."""

import json
import os
import sys
import tempfile
from pathlib import Path

from seqgen import selftest


def main(name: str, count: int, seed: int) -> None:
    """Run a check away from the user's cache and takes."""
    with tempfile.TemporaryDirectory(prefix="seqgen-cache-", ignore_cleanup_errors=True) as cache:
        os.environ |= {"SEQGEN_CACHE": cache, "SEQGEN_TAKES": str(Path(cache) / "takes.sqlite")}
        outcome = selftest.check(name, None if count < 0 else count, seed)
    print(json.dumps(outcome.to_json()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
