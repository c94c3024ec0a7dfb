"""What users' corpora ask of seqgen, measured part by part.

    python benchmarks/corpora.py PART ...

`python benchmarks/corpora.py PART --help` tells what a part takes. Each result goes to results/corpora_PART.json.
"""

import importlib
import sys

PARTS = {
    "items": "lists: names and recipes as items, sorted or shuffled, new ones; the speed of short documents",
    "langs": "programs in eight languages: real files that are read as whole, generated definitions that balance",
    "read": "repositories in ten languages: how much of their source is read, and of dependencies and build outputs",
    "shards": "a folder tokenized in shards and by dask: the same bytes, and how much two workers are faster",
    "utf8": "samples of Chinese, Persian, emoji: how many are UTF-8, and what it costs",
}


def main() -> None:
    """Run the part that was asked for."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    if part not in PARTS:
        print(__doc__)
        print("\n".join(f"  {name:10} {about}" for name, about in PARTS.items()))
        sys.exit(0 if part in ("", "-h", "--help") else 2)
    sys.argv[:2] = [f"{sys.argv[0]} {part}"]
    importlib.import_module(f"_corpora_{part}").main()


if __name__ == "__main__":
    main()
