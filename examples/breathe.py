"""Text that flows on, bolder and calmer by turns: each stretch continues all that has been said before.

python examples/breathe.py CHECKPOINT [PROMPT] [--stretches 6] [--length 200]
"""

import argparse
import math
import sys

import seqgen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("prompt", nargs="?", default="\n")
    parser.add_argument("--stretches", type=int, default=6)
    parser.add_argument("--length", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    model = seqgen.load(options.checkpoint)
    text = options.prompt
    sys.stdout.write(text)
    for stretch in range(options.stretches):
        temperature = 0.75 + 0.35 * math.sin(2 * math.pi * stretch / 6)
        seed = options.seed + stretch
        for piece in model.generate(text, temperature=temperature, length=options.length, seed=seed):
            sys.stdout.write(piece)
            sys.stdout.flush()
            text += piece
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
