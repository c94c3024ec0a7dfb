"""hello: a network of eight units learns to write "hello", a letter at a time, from one-hot letters.

Four letters are four inputs and four outputs. After "h" comes "e", after "e" comes "l", but after "l" comes "l" or
"o": the letter alone does not say which, so the hidden state must remember whether there was an "l" before.
"""

import torch
from torch import nn

from seqgen.inside.lessons import Lesson, Say, made
from seqgen.render.curves import Curve, Series
from seqgen.render.heat import Heat
from seqgen.render.report import Section, Text

LETTERS = "helo"
WORD = "hello"
HIDDEN, STEPS, RATE = 8, 200, 0.02


def run(say: Say, seed: int) -> Lesson:
    """Train it, and write the word back."""
    torch.manual_seed(seed)

    # 1) A letter becomes a vector of four numbers, one of them 1.
    places = [LETTERS.index(letter) for letter in WORD]
    one_hot = torch.eye(len(LETTERS))[places]  # (5, 4)
    for letter, vector in zip(WORD, one_hot):
        say(f"{letter} = {[int(value) for value in vector]}")

    # 2) The network: h ← tanh(W x + U h + b), and four outputs, one for each letter.
    cell = made("rnn").module(len(LETTERS), HIDDEN)
    output = nn.Linear(HIDDEN, len(LETTERS))
    x, targets = one_hot[:-1, None], torch.tensor(places[1:])  # it reads "hell" and is to say "ello"

    def logits() -> torch.Tensor:
        hidden, _ = cell(x, (torch.zeros(1, HIDDEN),))  # (4, 1, 8)
        found: torch.Tensor = output(hidden[:, 0])
        return found  # (4, 4)

    before = logits().softmax(-1).detach()
    say(f"before training it says: {_said(before)!r}")

    # 3) Training: the cross-entropy of the next letter falls along its gradient.
    weights = [*cell.parameters(), *output.parameters()]
    optimizer, losses = torch.optim.Adam(weights, RATE), []
    for step in range(STEPS):
        loss = nn.functional.cross_entropy(logits(), targets)
        optimizer.zero_grad()
        torch.autograd.backward(loss)  # through all four steps: back-propagation through time
        optimizer.step()
        losses.append(loss.item())
        if step % 40 == 0 or step == STEPS - 1:
            say(f"step {step:3}: loss {loss.item():.4f}, it says {_said(logits().softmax(-1).detach())!r}")

    # 4) What it remembers: the two states after "l" differ, though the input is the same.
    after = logits().softmax(-1).detach()
    hidden, _ = cell(x, (torch.zeros(1, HIDDEN),))
    apart = float((hidden[2, 0] - hidden[3, 0]).detach().norm())
    say(f"after the first l and the second l its states are {apart:.2f} apart: that is the memory")
    written = _written(cell, output)
    say(f"from h alone it writes: {written!r}")

    pictures = Section(
        "What it expects after each letter",
        (
            Heat("Before training", before.t().double().numpy(), list(LETTERS), list(WORD[:-1]), "next", "letter read"),
            Heat("After training", after.t().double().numpy(), list(LETTERS), list(WORD[:-1]), "next", "letter read"),
            Text(f"From “h” alone it writes “{written}”."),
        ),
    )
    states = Heat(
        "Its eight units", hidden[:, 0].detach().t().double().numpy(), [f"unit {n + 1}" for n in range(HIDDEN)],
        list(WORD[:-1]), "unit", "letter read",
    )  # fmt: skip
    loss_curve = Curve("Cross-entropy", (Series("loss", list(range(STEPS)), losses),), y_label="nats a letter")
    memory = Section("What it remembers", (Text(f"The states after the two l are {apart:.2f} apart."), states))
    numbers = {"loss": losses[-1], "right": float(written == WORD), "apart": apart}
    return Lesson("hello: four letters", (pictures, Section("Training", (loss_curve,)), memory), numbers)


def _said(chances: torch.Tensor) -> str:
    return "".join(LETTERS[place] for place in chances.argmax(-1).tolist())


def _written(cell: nn.Module, output: nn.Module) -> str:
    """Its own letters are fed back: generation."""
    text, state = "h", (torch.zeros(1, HIDDEN),)
    while len(text) < len(WORD):
        letter = torch.eye(len(LETTERS))[LETTERS.index(text[-1])]
        y, state = cell(letter[None, None], state)
        text += LETTERS[int(output(y[0, 0]).argmax())]
    return text
