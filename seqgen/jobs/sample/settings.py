"""What `seqgen generate` is asked for, in one value. Imports nothing heavy."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from seqgen.api.sampling import Sampling
from seqgen.settings import option, require


@dataclass(frozen=True, kw_only=True)
class SampleJob(Sampling):
    """From which checkpoint, after which prompt, how, how many, and where to.

    Attributes:
        checkpoint: A run folder, a file, or the name of a published one.
        prompt: Text to continue, for music the name of a file; None: a new document.
        prompt_file: A file to continue, "-": standard input.
        samples: How many.
        output: A file, or a folder with a slash; "-": where samples are shown; None: the same.
        best_of: Keep the likeliest of so many.
        beam: Draw nothing: search the likeliest, so wide; None: draw.
        label: Begin a document of this label.
        mix: "CHECKPOINT" or "CHECKPOINT:WEIGHT" each, beside the job's own checkpoint.
        blend: "LABEL:WEIGHT,LABEL:WEIGHT" of the one checkpoint, or None.
        fade: Tokens over which weights change; None: the length of a sample.
        average: What a mixture blends.
        no_prompt: Whether to write what follows the prompt alone.
        engine, device: Where to compute.
        no_take: Whether to leave samples out of the list of takes.
        follow: Whether controls steer the sample while it runs.
    """

    checkpoint: str
    prompt: str | None = option(None, "Text to continue (for music a file); none: a new document.")
    prompt_file: str | None = option(None, "A file to continue (for music a .mid file), or - for stdin.")
    samples: int = option(1, "How many samples.", least=1, most=4096)
    output: str | None = option(None, "A file, a folder (with a slash), or - for stdout.")
    best_of: int = option(1, "Keep the likeliest of N.", least=1, most=1024)
    beam: int | None = option(None, "Draw nothing: search the likeliest, N wide.", least=1, most=1024)
    label: str | None = option(None, "Begin a document of this label, where the corpus had labels.")
    mix: Sequence[str] = option((), "Blend with another, or several seeds as an ensemble; 0..1 as weight fades it in.")
    blend: str | None = option(None, "Blend labels of CHECKPOINT: bach:0.7,joplin:0.3.")
    fade: int | None = option(None, "How long weights change. [the length]", least=0)
    average: Literal["logits", "probabilities"] = option(
        "logits", "Blend what all can agree on, or what any would say."
    )
    no_prompt: bool = option(False, "Write what follows the prompt alone.")
    engine: Literal["auto", "numpy", "torch", "cuda"] = option("auto", "")
    device: str = option("auto", "cpu, cuda or mps; auto: the CPU, which starts at once.")
    no_take: bool = option(False, "Do not keep it for `seqgen takes`.")
    follow: bool = option(False, "Be steered by lines of JSON on stdin.")

    @property
    def learns_later(self) -> bool:
        return self.follow

    def __post_init__(self) -> None:
        super().__post_init__()
        for each in dataclasses.fields(self):
            value, least = getattr(self, each.name), each.metadata.get("least")
            most = each.metadata.get("most")
            if value is not None and least is not None:
                expected = f"{least} to {most}" if most is not None else f"{least} or more"
                require(least <= value and (most is None or value <= most), each.name, value, expected)
