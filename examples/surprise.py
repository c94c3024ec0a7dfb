"""One page of samples at several temperatures, each token coloured by how much the model was surprised by it.

python examples/surprise.py CHECKPOINT OUT.html [--prompt TEXT] [--length 600]
"""

import argparse
from pathlib import Path

import seqgen

TEMPERATURES = (0.4, 0.8, 1.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("out", type=Path)
    parser.add_argument("--prompt")
    parser.add_argument("--length", type=int, default=600)
    options = parser.parse_args()

    model = seqgen.load(options.checkpoint)
    parts = []
    for temperature in TEMPERATURES:
        sample = model.sample(options.prompt, temperature=temperature, length=options.length, seed=1)
        nats = -sample.log_probabilities.mean() if len(sample) else 0.0
        parts.append(f"<h2>Temperature {temperature}: {nats:.2f} nats a token</h2>{sample._repr_html_()}")
    page = f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Surprise</title>{"".join(parts)}</html>'
    options.out.write_text(page, "utf-8")
    print(f"Wrote {options.out}")


if __name__ == "__main__":
    main()
