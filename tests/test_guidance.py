"""Guidance: planted numbers in, the right words out, never more than a few lines of them."""

import textwrap

import pytest

from seqgen.jobs.train.guidance import Before, before, duration, expected_seconds, going_on
from seqgen.jobs.train.verdict import After, Check, after

FACTS = {
    "tokens": 1_115_394,
    "documents": 1,
    "held_out": 111_540,
    "train_tokens": 1_000_000,
    "codec": "char",
    "vocabulary": 257,
    "copies": 0,
    "repeated": 0.01,
    "chosen": "auto",
    "shape": "lstm 1×384",
    "parameters": 1_300_000,
    "device": "CPU, 2 threads, float32",
    "rate": 20_000.0,
    "memory": 0.6e9,
    "minutes": 5.0,
    "epochs": None,
    "steps": None,
    "step_tokens": 1024,
}


def facts(**other):
    return Before(**{**FACTS, **other})


def checks(validation, train, epochs=10.0):
    step = epochs / max(1, len(validation))
    return [
        Check(100 * (index + 1), step * (index + 1), low, high)
        for index, (high, low) in enumerate(zip(validation, train))
    ]


def end(validation, train, epochs=10.0, nats=None, **other):
    values = {"ngram": 9.0, "dropout": 0.2, "hidden": 384, "layers": 1, "patience_ended": False} | other
    best = min(validation) if nats is None else nats
    return after(After(checks(validation, train, epochs), best, **values))


def test_before_tells_corpus_model_time_and_memory():
    said = before(facts())
    assert "1,115,394 tokens in 1 document, codec char, vocabulary 257; 111,540 tokens held out" in said
    assert "lstm 1×384, 1.3 million parameters (chosen for 1.1 million tokens and 5 minutes)" in said
    assert "stops after 5 minutes: about 20,000 tokens/s, 6.0 passes, 0.6 GB of memory." in said


def test_before_names_preset_and_checkpoint():
    assert "(preset small)" in before(facts(chosen="small"))
    assert "(as in the checkpoint)" in before(facts(chosen="checkpoint"))
    assert "(as the settings say)" in before(facts(chosen="settings"))


def test_before_tells_of_copies_and_repeated_lines():
    assert "exact cop" not in before(facts())
    assert "repeat" not in before(facts())
    assert "3 documents are exact copies" in before(facts(copies=3))
    assert "1 document is an exact copy: the same of each is held out." in before(facts(copies=1))
    assert "1 document is an exact copy: validation may flatter." in before(facts(copies=1, apart=True))
    assert "25 % of the lines repeat" in before(facts(repeated=0.25))
    assert "repeat" not in before(facts(repeated=None))


@pytest.mark.parametrize(
    ("bounds", "seconds"),
    [
        ({"minutes": 5.0}, 300.0),
        ({"minutes": None, "epochs": 2.0}, 100.0),
        ({"minutes": None, "steps": 1000}, 51.2),
        ({"minutes": 0.5, "epochs": 2.0, "steps": 1000}, 30.0),
        ({"minutes": None, "epochs": 2.0, "rate": None}, None),
        ({"minutes": 1.0, "epochs": 2.0, "rate": None}, 60.0),
    ],
)
def test_the_expected_time_is_that_of_the_nearest_bound(bounds, seconds):
    found = expected_seconds(facts(**bounds))
    assert found is None if seconds is None else found == pytest.approx(seconds)


def test_before_says_how_long_steps_take():
    assert "stops after 1,000 steps: about 51 s at 20,000 tokens/s, 1.0 passes" in before(
        facts(minutes=None, steps=1000)
    )


def test_a_step_that_the_corpus_does_not_fill_takes_as_long():
    small = facts(minutes=None, steps=20, step_tokens=16_000, train_tokens=1_000, rate=400.0)
    assert expected_seconds(small) == pytest.approx(800.0)
    assert "about 13 min at 400 tokens/s, 20 passes" in before(small)


def test_where_a_run_goes_on_the_time_is_what_is_left_of_it():
    said = before(facts(minutes=None, steps=1000, done=0.5))
    assert "stops after 1,000 steps: about 26 s more at 20,000 tokens/s, 1.0 passes" in said


def test_before_warns_where_time_and_corpus_do_not_fit():
    assert before(facts(train_tokens=10**8)).endswith("more time, or a smaller model (--preset tiny).")
    assert before(facts(train_tokens=10**8, parameters=58_000)).endswith("see the whole corpus: give it more time.")
    assert before(facts(train_tokens=10**8, chosen="checkpoint")).endswith("see the whole corpus: give it more time.")
    assert "600 passes" in before(facts(train_tokens=10_000))
    assert "5,859 passes, 0.6 GB of memory. It reads the corpus very often" in before(facts(train_tokens=1_000))
    assert before(facts()).endswith("memory.")


def test_overfitting_names_the_step_and_three_ways_out():
    said = end([2.0, 1.6, 1.5, 1.55, 1.65, 1.8], [2.0, 1.6, 1.3, 1.1, 0.9, 0.7], dropout=0.2)
    assert "Validation rose from step 300 on while training fell" in said
    assert "by heart" in said
    for way in ("-P dropout 0.4", "-P hidden 192", "more text"):
        assert way in said


def test_more_dropout_is_not_asked_for_where_there_is_much():
    said = end([1.5, 1.6, 1.7], [1.0, 0.9, 0.8], dropout=0.6)
    assert "dropout" not in said
    assert "smaller model" in said


def test_no_smaller_model_than_a_very_small_one_is_asked_for():
    said = end([1.5, 1.6, 1.7], [1.0, 0.9, 0.8], dropout=0.2, hidden=32)
    assert said.endswith("Try more dropout (-P dropout 0.4) or more text.")
    assert end([1.5, 1.6, 1.7], [1.0, 0.9, 0.8], dropout=0.6, hidden=32).endswith("Try more text.")


def test_an_early_stop_is_said():
    assert "stopped early" in end([1.5, 1.6, 1.7], [1.0, 0.9, 0.8], patience_ended=True)
    assert "stopped early" not in end([1.5, 1.6, 1.7], [1.0, 0.9, 0.8])


def test_underfitting_asks_for_time():
    said = end([3.0, 2.5, 2.2, 2.0, 1.9, 1.8], [3.0, 2.5, 2.2, 2.0, 1.9, 1.8])
    assert "still learning after 10 passes" in said
    assert "more time" in said


def test_less_than_one_pass_asks_for_time():
    said = end([3.0, 2.5, 2.2, 2.0], [3.0, 2.5, 2.2, 2.0], epochs=0.4)
    assert "read 40 % of the corpus once" in said


def test_a_model_at_rest_is_too_small():
    said = end([2.0, 1.6, 1.51, 1.5, 1.5, 1.5], [2.0, 1.6, 1.51, 1.48, 1.48, 1.48], dropout=0.4)
    assert "both have come to rest" in said
    assert "-P dropout 0.2" in said
    assert "-P hidden 576" in said
    assert "dropout" not in end([2.0, 1.5, 1.5, 1.5, 1.5], [2.0, 1.5, 1.5, 1.5, 1.5], dropout=0.0)


def test_a_gap_at_rest_means_the_corpus_is_used_up():
    said = end([2.0, 1.6, 1.5, 1.5, 1.5, 1.501], [2.0, 1.5, 1.3, 1.2, 1.1, 1.05])
    assert "Training is 27 % below validation" in said
    assert "used up" in said


def test_one_odd_training_loss_is_no_gap():
    """The last steps of an epoch may hold a few tokens of one stream alone."""
    said = end([2.0, 1.6, 1.51, 1.5, 1.5, 1.5], [2.0, 1.6, 1.51, 1.48, 1.48, 0.7])
    assert "both have come to rest" in said


def test_close_and_worse_than_counting_asks_for_time_and_not_for_size():
    said = end([2.95, 2.93, 2.925, 2.925, 2.925], [2.9] * 5, ngram=2.4)
    assert "more time" in said
    assert "larger model" not in said


def test_going_on_tells_how_far_it_is():
    assert going_on(58, 0.097, False) == "Going on after 58 steps, 10 % of the budget."
    assert "ended after 1,200 steps" in going_on(1200, 1.0, True)
    assert "--minutes, --epochs or --steps" in going_on(1200, 1.0, True)


def test_rising_losses_mean_large_steps():
    assert "half the learning_rate" in end([2.0, 1.6, 1.9, 2.5], [2.0, 1.6, 1.8, 2.4])
    assert "half the learning_rate" in end([1.80, 1.81, 1.815], [1.9, 1.9, 1.8], epochs=0.2, patience_ended=True)


def test_worse_than_counting_is_said():
    assert "worse than counting n-grams" in end([3.0, 2.5, 2.0], [3.0, 2.5, 2.0], ngram=1.5)
    assert "n-grams" not in end([3.0, 2.5, 2.0], [3.0, 2.5, 2.0], ngram=2.5)


def test_explosions_are_told():
    assert "The loss exploded 4 times:" in end([3.0, 2.5, 2.0], [3.0, 2.5, 2.0], rollbacks=4)
    assert "The loss exploded once:" in end([3.0, 2.5, 2.0], [3.0, 2.5, 2.0], rollbacks=1)


@pytest.mark.parametrize("validation", [[], [2.0], [float("nan")] * 5, [float("inf"), 2.0, 1.9]])
def test_too_few_validations_are_no_ground_for_advice(validation):
    assert "Too few validations" in end(validation, [2.0] * len(validation), nats=2.0)


def test_a_run_without_training_losses_is_judged_too():
    assert end([3.0, 2.5, 2.0], [None] * 3)
    assert end([2.0, 1.5, 1.9], [None] * 3)


def test_a_few_lines_are_all():
    longest = before(
        facts(copies=12_345, repeated=0.5, tokens=10**10, documents=10**6, device="NVIDIA H100 80GB HBM3 (80 GB), bf16")
    )
    assert len(textwrap.wrap(longest, 80)) <= 6
    said = end([2.0, 1.6, 1.5, 1.55, 1.65, 1.8], [2.0, 1.6, 1.3, 1.1, 0.9, 0.7], ngram=1.0, rollbacks=1000)
    assert len(textwrap.wrap(said, 80)) <= 6


@pytest.mark.parametrize(("seconds", "text"), [(4, "4 s"), (99, "99 s"), (150, "2 min"), (9000, "2.5 h")])
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize("nats", [0.0, 5e-4, 0.02])
def test_a_corpus_known_by_heart_is_called_so_at_any_loss_down_to_nothing(nats):
    said = end([3.0, 1.0, nats, nats, nats], [2.0, 0.5, nats, nats, nats], nats=nats, ngram=0.0)
    assert said.startswith("It knows the corpus by heart, with ")
    assert "far from" not in said
    assert "n-grams" not in said


def test_validations_of_nothing_are_judged():
    assert end([0.0] * 6, [0.0] * 6, nats=0.5)


def test_too_varied_is_said_where_the_first_pass_shows_it():
    """Nothing can be known by heart that was read once: what is apart then is of another kind."""
    validation, train = [4.0, 3.6, 3.3, 3.2, 3.1], [3.4, 3.0, 2.7, 2.6, 2.5]
    said = end(validation, train, epochs=0.9)
    assert "Training was 21 % below validation before anything was read twice" in said
    assert "too varied for its size" in said
    assert "learns on: give it more time" in said
    assert "too varied" in end(validation + [3.0] * 10, train + [2.4] * 10, epochs=3.0)
    assert "too varied" not in end(validation, train, epochs=9.0), "it may know them by heart"
    assert "too varied" not in end(validation, train, epochs=0.9, packed=True)
    assert "too varied" not in end(validation, [v - 0.1 for v in validation], epochs=0.9)
    assert "too varied" not in end([0.01] * 5, [0.001] * 5, epochs=0.9), "known by heart"
    assert "too varied" in end([0.5] * 5, [0.3] * 5, epochs=0.9), "at any loss"


def test_a_loss_that_falls_fast_is_not_taken_for_variety():
    """A training loss is the mean over some steps: it lags behind a validation that falls."""
    validation = [4.0, 3.0, 2.3, 1.8]
    train = [5.0, 3.5, 2.65, 2.05]
    assert "too varied" not in end(validation, train, epochs=0.9)


def test_what_dropout_adds_to_the_training_loss_is_not_variety():
    validation = [3.0] * 6
    assert "too varied" not in end(validation, [3.5] * 6, epochs=0.9, dropout=0.3)
    assert "26 % above validation" in end(validation, [3.78] * 6, epochs=0.9, dropout=0.1)


def test_variety_is_no_sign_of_learning_by_heart():
    """Apart from the first pass on, and no further apart at the end: nothing was used up."""
    validation, train = [3.2, 3.1, 3.05, 3.0] + [3.0] * 16, [2.6, 2.52, 2.5, 2.45] + [2.45] * 16
    said = end(validation, train, epochs=5.0)
    assert "used up" not in said
    assert "stay as far apart" in said
    assert "used up" in end(validation, train[:4] + [1.8] * 16, epochs=5.0)
