"""Several samples, of which the one that the model itself finds likeliest is kept. Text, C or music.

python examples/audition.py CHECKPOINT OUT [--prompt TEXT_OR_MIDI_FILE] [--candidates 4]
"""

import argparse

import seqgen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("out")
    parser.add_argument("--prompt")
    parser.add_argument("--candidates", type=int, default=4)
    parser.add_argument("--length", type=int, default=400)
    options = parser.parse_args()

    model = seqgen.load(options.checkpoint)
    samples = [
        model.sample(options.prompt, temperature=1.0, rules=[("top_p", 0.95)], length=options.length, seed=seed)
        for seed in range(1, options.candidates + 1)
    ]
    best = max(samples, key=lambda sample: sample.log_probabilities.mean() if len(sample) else float("-inf"))
    best.save(options.out)
    for sample in samples:
        print("*" if sample is best else " ", sample)


if __name__ == "__main__":
    main()
