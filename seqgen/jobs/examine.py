"""What `seqgen doctor` finds on a machine, as plain data. Asks; changes nothing but makes the cache folder."""

import contextlib
import importlib.metadata
import os
import platform
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import seqgen
from seqgen import files, registry
from seqgen.errors import OutputError, UsageError
from seqgen.render import fluid

PORTS = "pip install python-rtmidi"
LITTLE = 2_000_000_000  # bytes of free disk below which a corpus or a run may not fit


class Device(TypedDict):
    """A device that training can take."""

    name: str
    about: str
    precision: str
    auto: bool  # whether `auto` takes it
    tried: bool  # whether seqgen has ever run there


class Cache(TypedDict):
    """The cache folder, or why there is none."""

    path: str
    files: int
    bytes: int


class Disk(TypedDict):
    """Free bytes where files will land."""

    what: str
    free: int


class Machine(TypedDict):
    """What was found on a machine. What is not there is None, 0 or empty."""

    versions: dict[str, str]
    system: str
    packages: dict[str, str | None]
    extensions: list[dict[str, str | None]]
    cores: int
    memory: int
    devices: list[Device]
    untried: str
    fluidsynth: bool
    soundfonts: list[str]
    midi_ports: dict[str, list[str]] | None
    cache: Cache
    disks: list[Disk]
    missing: list[dict[str, str]]  # `what`, and `hint`: what to install for it


def examine() -> Machine:
    """Everything, with what is missing and what to install for it."""
    packages, soundfonts, ports = _packages(), _soundfonts(), _ports()
    there = fluid.installed()
    missing = [
        {"what": f"the package {name}", "hint": f"pip install {name}"} for name in packages if not packages[name]
    ]
    if not there:
        missing.append({"what": "FluidSynth, for better sound", "hint": fluid.INSTALL})
    if not soundfonts:
        hint = "Debian: apt install fluidr3mono-gm-soundfont, or name any .sf2 file in SEQGEN_SOUNDFONT"
        missing.append({"what": "a SoundFont", "hint": hint})
    if ports is None:
        missing.append({"what": "a backend for MIDI ports", "hint": PORTS})
    return {
        "versions": {"seqgen": seqgen.__version__, "python": platform.python_version()},
        "system": f"{platform.system()} {platform.machine()}",
        "packages": packages,
        "extensions": _extensions(),
        "cores": _cores(),
        "memory": _memory(),
        "devices": _devices() if packages.get("torch") else [],
        "untried": _untried() if packages.get("torch") else "",
        "fluidsynth": there,
        "soundfonts": soundfonts,
        "midi_ports": ports,
        "cache": _cache(),
        "disks": _disks(),
        "missing": missing,
    }


def rows(found: Machine) -> Iterator[tuple[str, str]]:
    """(what, in words) of everything that was found."""
    versions = found["versions"]
    yield "seqgen", f"{versions['seqgen']}, Python {versions['python']}, {found['system']}"
    yield "packages", ", ".join(f"{name} {version or 'MISSING'}" for name, version in found["packages"].items())
    if usable := [each for each in found["extensions"] if each["fault"] is None]:
        yield "extensions", ", ".join(f"{each['kind']} {each['name']} ({each['package']})" for each in usable)
    yield from (("extensions", fault) for each in found["extensions"] if (fault := each["fault"]) is not None)
    cores = "1 core" if found["cores"] == 1 else f"{found['cores']} cores"
    yield "processor", f"{cores}, {files.size(found['memory'])} of memory" if found["memory"] else "unknown"
    for device in found["devices"]:
        chosen = " (chosen by auto)" if device["auto"] else ""
        tried = "" if device["tried"] else "; seqgen has never run there"
        yield device["name"], f"{device['about']}; trains in {device['precision']}{chosen}{tried}"
    if found["untried"]:
        yield "GPUs", found["untried"]
    yield "FluidSynth", "there" if found["fluidsynth"] else "not installed"
    yield "SoundFonts", ", ".join(found["soundfonts"]) or "none; the built-in synthesizer plays"
    ports = found["midi_ports"]
    yield "MIDI ports", "cannot be asked" if ports is None else ", ".join(ports["outputs"]) or "none"
    yield (
        "cache",
        f"{found['cache']['path']}: {files.size(found['cache']['bytes'])} in {found['cache']['files']:,} files",
    )
    for disk in found["disks"]:
        little = ", which is little" if disk["free"] < LITTLE else ""
        yield "free disk", f"{files.size(disk['free'])} for {disk['what']}{little}"


def _packages() -> dict[str, str | None]:
    """The packages that seqgen needs, each with its version; None where it is not there."""
    try:
        wanted = importlib.metadata.requires("seqgen-art") or []
    except importlib.metadata.PackageNotFoundError:
        wanted = ["torch", "numpy", "click"]
    names = [match[0] for line in wanted if "extra" not in line and (match := re.match(r"[A-Za-z0-9._-]+", line))]
    found: dict[str, str | None] = {}
    for name in names:
        found[name] = None
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _extensions() -> list[dict[str, str | None]]:
    """The rules, cells and codecs that other packages bring; `fault` says why one cannot be used, else it is None."""
    with warnings.catch_warnings(record=True) as said:  # of what is not even declared rightly
        warnings.simplefilter("always")
        found = [each for kind in registry.KINDS for each in registry.brought(kind)]
    rows: list[dict[str, str | None]] = []
    for each in found:
        row = {"kind": registry.KINDS[each.kind], "name": each.name, "package": each.package, "version": each.version}
        try:
            registry.load(each.kind, each.name)
            rows.append({**row, "fault": None})
        except UsageError as error:
            rows.append({**row, "fault": error.message})
    nothing = dict.fromkeys(("kind", "name", "package", "version"), "")
    return rows + [{**nothing, "fault": str(each.message)} for each in said]


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int:
    """Bytes of memory, 0 where the system does not say."""
    with contextlib.suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 0


def _devices() -> list[Device]:
    """The devices there are, and the precision that training takes on each."""
    from seqgen.errors import UsageError
    from seqgen.training import device

    chosen, found = device.pick_device("auto"), list[Device]()
    for name in device.DEVICES[1:]:
        with contextlib.suppress(UsageError):
            picked = device.pick_device(name)
            precision = str(device.pick_precision("auto", picked)).removeprefix("torch.")
            about = device.describe(picked)
            auto, tried = picked.type == chosen.type, name in device.TRIED
            found.append({"name": name, "about": about, "precision": precision, "auto": auto, "tried": tried})
    return found


def _untried() -> str:
    """On which kinds of device seqgen has never run, in words."""
    from seqgen.training import device

    return device.UNTRIED


def _soundfonts() -> list[str]:
    """The SoundFonts that `render` would look at."""
    named = os.environ.get("SEQGEN_SOUNDFONT")
    found = [named] if named and Path(named).expanduser().is_file() else []
    return found + [str(path) for folder in fluid.USUAL_FOLDERS for path in sorted(Path(folder).glob("*.sf[23]"))]


def _ports() -> dict[str, list[str]] | None:
    """The names of MIDI ports, or None where there is no backend that knows them."""
    import mido

    try:
        return {"outputs": list(mido.get_output_names()), "inputs": list(mido.get_input_names())}
    except Exception:  # a backend that is missing, or whose library is: each has errors of its own
        return None


def _cache() -> Cache:
    """Where it is and what it holds."""
    try:
        folder = files.cache_folder()
    except OutputError as error:
        return {"path": error.message, "files": 0, "bytes": 0}
    sizes = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file():
                sizes.append(path.stat().st_size)
    return {"path": str(folder), "files": len(sizes), "bytes": sum(sizes)}


def _disks() -> list[Disk]:
    """Free bytes where files will land."""
    found = list[Disk]()
    for what, folder in (("this folder", Path.cwd()), ("the cache", Path(_cache()["path"]))):
        with contextlib.suppress(OSError):
            found.append({"what": what, "free": shutil.disk_usage(folder).free})
    return found
