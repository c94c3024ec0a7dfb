"""Everything that is due on a GPU, checked and measured by one command, which writes one file to be sent back.

    python benchmarks/gpu.py [TEXT] [-o gpu.json] [--minutes 3]    TEXT: a file or corpus to train on
    python benchmarks/gpu.py --device cpu --quick                  what a CPU can run of it, small, in some minutes

Nothing of seqgen had run on a GPU when this was written: send the file with an issue, whatever it says. It holds the
names of the processor, the GPU and the packages, numbers, and messages without the paths of this machine and without
samples.

Each part runs in a process of its own, so that one that fails, hangs or spoils the GPU leaves the others alone, and the
file is written anew after each. `_gpu_training.py` and `_gpu_sampling.py` say what the parts are. The exit code is 1
where something did not hold.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _report import print_table, write_json

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 1200  # seconds a part
TAIL = 30  # lines kept of what a part that failed said
SAMPLE = "  │ "  # what `seqgen train` puts before one
TESTS = ("tests/test_step.py", "tests/test_cuda_engine.py", "tests/test_parallel.py")
Found = dict[str, Any]


def training_case(asked: argparse.Namespace) -> Any:
    """The shape that is trained."""
    import _gpu_training as training

    shape = (64, 2, 8, 16) if asked.quick else (768, 2, 16, 128)
    quick = asked.quick
    return training.Case(device(asked), *shape, 128, rounds=3 if quick else 11, seconds=0.1 if quick else 0.5)


def device(asked: argparse.Namespace) -> Any:
    """The torch device that was asked for."""
    from seqgen.training.device import pick_device

    return pick_device(asked.device)


def training_part(name: str) -> Callable[[argparse.Namespace], Found]:
    """A part of `_gpu_training`."""

    def part(asked: argparse.Namespace) -> Found:
        import _gpu_training as training

        return getattr(training, name)(training_case(asked))

    return part


def train(asked: argparse.Namespace) -> Found:
    """`seqgen train`, on made-up words where no text was given."""
    import _gpu_training as training

    return training.training(asked.text, 0.1 if asked.quick else asked.minutes, asked.device)


def sampling_case(asked: argparse.Namespace) -> tuple[Any, dict[str, Any], Any]:
    """The shape that is sampled from, its weights, the device."""
    import _gpu_sampling as sampling

    from seqgen.models import ModelSettings

    settings = ModelSettings(hidden=64, layers=2) if asked.quick else ModelSettings(hidden=1024, layers=3)
    return settings, sampling.random_weights(settings, 128), device(asked)


def sampling_parity(asked: argparse.Namespace) -> Found:
    """Logits and tokens of the cuda engine."""
    import _gpu_sampling as sampling

    settings, weights, where = sampling_case(asked)
    return sampling.parity(settings, weights, str(where))


def sampling_limit(asked: argparse.Namespace) -> Found:
    """What the memory allows one stream."""
    import _gpu_sampling as sampling

    return sampling.limit(*sampling_case(asked), 1 << (24 if asked.quick else 30))


def sampling_speed(streams: int, quick_streams: int) -> Callable[[argparse.Namespace], Found]:
    """How fast so many streams are drawn."""

    def part(asked: argparse.Namespace) -> Found:
        import _gpu_sampling as sampling

        settings, weights, where = sampling_case(asked)
        batch, (rounds, seconds) = (quick_streams, (3, 0.05)) if asked.quick else (streams, (11, 0.5))
        work = sampling.contenders(settings, weights, batch, where)
        return {"streams": batch, "rates": sampling.rates(work, batch, rounds, seconds)}

    return part


def tests(asked: argparse.Namespace) -> Found:
    """The tests that a machine without a GPU leaves out, among others."""
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-rs", *TESTS]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return {"passed": ran.returncode == 0, "said": plain(ran.stdout).splitlines()[-TAIL:]}


def about(asked: argparse.Namespace) -> Found:
    """The device, and what is chosen for it."""
    import torch

    from seqgen.training import device as devices

    where = device(asked)
    found = {"device": devices.describe(where), "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    if where.type == "cuda":
        found["capability"] = list(torch.cuda.get_device_capability(where))
    return found | {"precision": str(devices.pick_precision("auto", where))}


PARTS: dict[str, Callable[[argparse.Namespace], Found]] = {
    "device": about,
    "tests": tests,
    "training: parity": training_part("parity"),
    "training: kernel": training_part("kernels"),
    "training: speed": training_part("speed"),
    "training: losses": train,
    "sampling: parity": sampling_parity,
    "sampling: limit of memory": sampling_limit,
    "sampling: one stream": sampling_speed(1, 1),
    "sampling: many streams": sampling_speed(1024, 16),
}


def apart(name: str, arguments: list[str]) -> Found:
    """A part in a process of its own; `error` has what it said where it failed."""
    command = [sys.executable, str(Path(__file__).resolve()), *arguments, "--part", name]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return {"error": [f"not done after {TIMEOUT} s"]}
    if ran.returncode:
        return {"error": [f"exit code {ran.returncode}", *plain(ran.stderr).splitlines()[-TAIL:]]}
    found: Found = json.loads(ran.stdout.splitlines()[-1])
    return found | ({"said": said[-TAIL:]} if (said := plain(ran.stderr).splitlines()) else {})


def plain(text: str) -> str:
    """The text without the paths of this machine, and without samples of a model that has read somebody's text."""
    for path in (ROOT, Path(sys.prefix), Path(sys.base_prefix), Path.home()):
        text = text.replace(str(path), "…")
    return "\n".join(line for line in text.splitlines() if not line.startswith(SAMPLE))


def verdicts(found: Found) -> list[tuple[str, bool | None]]:
    """What held, what did not, and what could not be looked at (None)."""

    def value(part: str, name: str) -> Any:
        return found.get(part, {}).get(name)

    parity, sampling = "training: parity", "sampling: parity"
    captured, worst = value(parity, "captured"), value(sampling, "float32: worst difference of logits")
    blocks = value(sampling, "float16: blocks captured")
    on_gpu = isinstance(captured, bool)
    return [
        *((f"{name} ran", "error" not in part) for name, part in found.items()),
        ("the tests pass", value("tests", "passed")),
        ("training steps are captured", captured if on_gpu else None),
        ("captured steps lose what plain ones lose", value(parity, "within tolerance")),
        ("losses are finite", value(parity, "losses finite")),
        ("the persistent kernel runs where it should", value("training: kernel", "as expected")),
        ("blocks of samples are captured", blocks if on_gpu else None),
        ("logits are those of the CPU", None if worst is None else bool(worst <= 1e-4)),
    ]


def flat(results: Found, prefix: str = "") -> list[list[object]]:
    """Rows of a table: name and value."""
    rows: list[list[object]] = []
    for key, value in results.items():
        if isinstance(value, dict):
            rows += flat(value, f"{prefix}{key}: ")
        elif key != "said":
            shown = "; ".join(map(str, value[-1:] if key == "error" else value)) if isinstance(value, list) else value
            rows.append([prefix + key, shown[:100] if isinstance(shown, str) else shown])
    return rows


def main() -> None:
    """Run every part, print one table, store it, and say what held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", help="a text file or corpus to train on; none: made-up words")
    parser.add_argument("-o", "--output", type=Path, default=Path("gpu.json"))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=3.0, help="of training on TEXT")
    parser.add_argument("--quick", action="store_true", help="small shapes and short times")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts alone")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        print(json.dumps(PARTS[asked.part](asked)))
        return
    given = ["--device", asked.device, "--minutes", str(asked.minutes), *(["--quick"] if asked.quick else [])]
    given = [*([asked.text] if asked.text else []), *given]
    settings = {"text": asked.text and Path(asked.text).name, "device": asked.device, "quick": asked.quick}
    found: Found = {}
    for name in asked.only:
        print(f"{name} …", file=sys.stderr, flush=True)
        found[name] = apart(name, given)
        held = verdicts(found)
        write_json("gpu", {"held": dict(held), "parts": found}, settings, asked.output)
    print_table(["part", "found"], flat(found))
    print()
    words = {True: "held", False: "BROKEN", None: "not looked at"}
    print_table(["what", "found"], [[what, words[good]] for what, good in held])
    print(f"\nWrote {asked.output}: please send it with an issue of the project's repository, whatever it says.")
    if any(good is False for _, good in held):
        sys.exit(1)


if __name__ == "__main__":
    main()
