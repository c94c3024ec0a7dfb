"""What `-r help` shows."""

import textwrap

from seqgen import registry, settings

WIDTH = 80
HEAD = 26  # columns for a rule and its value


def about_rule(kind: type) -> str:
    """What a rule does, in a line: the beginning of what its class says."""
    return " ".join((kind.__doc__ or "").partition("\n\n")[0].split())


def rules_help() -> str:
    """Every rule with its value and what it does."""
    lines = ["Rules, for -r RULE VALUE, as often as wanted; they work in the order given."]
    packages = {each.name: each.package for each in registry.brought("rules")}
    for name, kind in registry.usable("rules").items():
        (value,) = settings.fields(kind)
        about = about_rule(kind)
        about += f" (package {packages[name]})" if name in packages else ""
        head = f"  {name} {value.upper()}".ljust(HEAD - 1) + " "
        lines.append(textwrap.fill(head + about, WIDTH, subsequent_indent=" " * HEAD, break_on_hyphens=False))
    lines += ["", "A number may be a schedule: 0.6..1.2 over the sample, 0.6..1.2/500, 0.6~1.2/200 up and down."]
    return "\n".join(lines)
