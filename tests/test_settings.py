"""Settings: text or typed values into frozen dataclasses, and mistakes into one sentence."""

from dataclasses import dataclass
from typing import Literal

import pytest

from seqgen import settings
from seqgen.errors import SettingError


@dataclass(frozen=True)
class Example:
    size: int = settings.option(3, "how large")
    share: float = settings.option(0.5, "how much")
    loud: bool = settings.option(False, "whether")
    mode: Literal["fast", "slow"] = settings.option("fast", "how")
    limit: int | None = settings.option(None, "at most")
    names: tuple[str, ...] = settings.option((), "which")


@dataclass(frozen=True)
class Other:
    size: int = settings.option(1, "taken by the first")
    depth: int = settings.option(1, "only here")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("size", "7", 7),
        ("size", 7, 7),
        ("size", 7.0, 7),
        ("share", "1e-3", 0.001),
        ("share", 1, 1.0),
        ("loud", "yes", True),
        ("loud", "Off", False),
        ("loud", True, True),
        ("mode", "slow", "slow"),
        ("limit", "none", None),
        ("limit", None, None),
        ("limit", "9", 9),
        ("names", "a,b", ("a", "b")),
        ("names", ["a"], ("a",)),
        ("names", "", ()),
    ],
)
def test_values_are_read(key, value, expected):
    found = getattr(settings.parse(Example, {key: value}), key)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("size", "many", "size is 'many', expected a whole number"),
        ("size", 2.5, "size is 2.5, expected a whole number"),
        ("size", True, "size is True, expected a whole number"),
        ("size", float("inf"), "size is inf, expected a whole number"),
        ("size", float("nan"), "size is nan, expected a whole number"),
        ("share", 10**400, f"share is 1{'0' * 59}…, expected a smaller number"),
        ("size", "x" * 100, f"size is '{'x' * 59}…, expected a whole number"),
        ("share", "", "share is '', expected a number"),
        ("loud", "maybe", "loud is 'maybe', expected true or false"),
        ("mode", "medium", "mode is 'medium', expected one of fast, slow"),
        ("limit", "x", "limit is 'x', expected a whole number"),
        ("sise", "1", "no setting is called 'sise'\nHint: did you mean 'size'?"),
    ],
)
def test_mistakes_are_named(key, value, message):
    with pytest.raises(SettingError) as caught:
        settings.parse(Example, {key: value})
    assert str(caught.value).startswith(message)


def test_text_is_what_would_be_typed():
    made = settings.parse(Example, {"loud": "on", "names": "a,b"})
    for name in settings.fields(Example):
        value = getattr(made, name)
        assert settings.parse(Example, {name: settings.text(value)}) == settings.parse(Example, {name: value})


def test_document_lists_every_field():
    rows = settings.document(Example)
    assert rows[0] == ("size", "3", "how large")
    assert [name for name, _, _ in rows] == list(settings.fields(Example))


def test_values_go_to_the_class_that_knows_them():
    assert settings.distribute({"depth": 2, "size": 5}, Example, Other) == [{"size": 5}, {"depth": 2}]
    with pytest.raises(SettingError, match="no setting is called 'width'"):
        settings.distribute({"width": 1}, Example, Other)


@dataclass(frozen=True)
class Renamed:
    volume: int = settings.option(1, "how loud", formerly="loudness")
    depth: int = settings.option(1, "how deep")


def test_a_former_name_is_todays():
    assert settings.parse(Renamed, {"loudness": "4"}) == Renamed(volume=4)
    assert settings.parse(Renamed, {"loudness": 4, "volume": 5}) == Renamed(volume=5)
    assert settings.distribute({"depth": 2, "loudness": 3}, Other, Renamed) == [{"depth": 2}, {"volume": 3}]
    assert settings.former_names(Other, Renamed) == {"loudness": "volume"}


def test_require_says_what_was_expected():
    settings.require(True, "size", 1, "more")
    with pytest.raises(SettingError, match="size is none, expected more"):
        settings.require(False, "size", None, "more")


@dataclass(frozen=True)
class Bounded:
    share: float | None = settings.option(None, "how much")
    count: int = settings.option(3, "how many")
    free: float = settings.option(1.0, "anything")
    loud: bool = settings.option(False, "whether")
    mode: Literal["fast", "slow"] = settings.option("fast", "how")

    def __post_init__(self):
        settings.require(self.share is None or 0 <= self.share < 1, "share", self.share, "at least 0 and below 1")
        settings.require(self.count >= 1, "count", self.count, "at least 1")


def test_what_a_number_may_be_is_said_in_the_words_of_the_check():
    assert settings.expected(Bounded) == {"share": "at least 0 and below 1", "count": "at least 1"}
    assert settings.expected(Example) == {}
    assert [settings.choices(Bounded, name) for name in ("mode", "loud", "count")] == [
        ("fast", "slow"), ("true", "false"), (),
    ]  # fmt: skip


def test_no_two_settings_of_one_training_share_a_name():
    from seqgen import registry
    from seqgen.models import ModelSettings
    from seqgen.training.settings import TrainSettings

    fixed = [*settings.fields(ModelSettings), *settings.fields(TrainSettings)]
    for model in registry.names("cells"):
        for codec in registry.names("codecs"):
            names = [*fixed, *settings.fields(registry.load("cells", model))]
            names += settings.fields(registry.load("codecs", codec).Options)
            assert len(names) == len(set(names)), (model, codec)
