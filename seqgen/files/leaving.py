"""What of a folder nobody wrote: dependencies, build outputs, caches, lock files, minified files. Knows names only.

Some names say so wherever they stand (`node_modules`). Others say so in the folder that was given and beside the file
of a build tool alone (`build` beside `pyproject.toml`): elsewhere they may be a part of the source, as `go/build` is.
Code of others that was copied into a project under a name of its own (`third_party`) cannot be told from its own.
"""

import re
from collections.abc import Mapping

DEPENDENCIES = "dependencies"
BUILT = "build outputs and caches"
LOCKED = "lock files"
MINIFIED = "minified files"
HIDDEN = "hidden files"
IGNORED = "named by .gitignore"
EXCLUDED = "not asked for (--include, --exclude)"

WRITTEN = {".vitepress", ".vuepress", ".storybook"}  # hidden folders that people write programs in
VERSIONS = {".git", ".hg", ".svn", ".bzr", ".jj", "CVS", "_darcs"}  # stores of versions: no files of a corpus

_ANYWHERE = """
node_modules bower_components jspm_packages web_modules site-packages dist-packages __pypackages__ elm-stuff .venv
.bundle .yarn .pnpm-store .m2 .cargo .dub
"""  # dependencies, wherever they lie
_CACHES = """
__pycache__ .eggs .tox .nox .mypy_cache .pytest_cache .ruff_cache .hypothesis .ipynb_checkpoints .next .nuxt .svelte-kit
.astro .output .parcel-cache .turbo .cache .gradle .dart_tool .build .stack-work dist-newstyle cmake-build-debug
cmake-build-release CMakeFiles DerivedData zig-cache .zig-cache zig-out htmlcov .nyc_output .terraform .angular .vite
.docusaurus .serverless .bloop .metals .scala-build
"""
_NAMES = {**dict.fromkeys(_ANYWHERE.split(), DEPENDENCIES), **dict.fromkeys(_CACHES.split(), BUILT)}
_ENDINGS = {".egg-info": BUILT, ".dist-info": DEPENDENCIES, ".dSYM": BUILT}
_TOOLS = {  # of a build tool: its file → the folders that it makes beside it
    "package.json": "build dist out coverage lib-cov storybook-static",
    "pyproject.toml": "build dist", "setup.py": "build dist", "setup.cfg": "build dist",
    "CMakeLists.txt": "build", "meson.build": "build builddir", "configure.ac": "build",
    "Cargo.toml": "target", "pom.xml": "target", "build.sbt": "target", "project.clj": "target",
    "build.gradle": "build out", "build.gradle.kts": "build out", "settings.gradle": "build",
    "pubspec.yaml": "build", "mix.exs": "_build", "dune-project": "_build", "rebar.config": "_build",
    "stack.yaml": "dist", "composer.json": "build", "Package.swift": "build", "conf.py": "_build build",
}  # fmt: skip
_GIVEN = {"build", "dist", "target", "_build"}  # outputs, too, if they lie in the very folder that was given
_SOURCES = {"__init__.py", "mod.rs", "doc.go"}  # what holds one is source, whatever its name
_HOLDING: Mapping[str, str] = {"pyvenv.cfg": DEPENDENCIES, "conda-meta": DEPENDENCIES, "CACHEDIR.TAG": BUILT}
_VENDORED = {"modules.txt", "autoload.php", "bundle"}  # in a folder `vendor`: what Go, PHP and Ruby write there
_FETCHED = {"deps": "mix.exs", "Pods": "Podfile", "Carthage": "Cartfile", "Packages": "Package.swift"}
_LOCKS = """
package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb deno.lock cargo.lock poetry.lock
pipfile.lock uv.lock pdm.lock pixi.lock conda-lock.yml composer.lock gemfile.lock go.sum go.work.sum mix.lock rebar.lock
pubspec.lock podfile.lock cartfile.resolved package.resolved packages.lock.json paket.lock project.assets.json
gradle.lockfile flake.lock stack.yaml.lock cabal.project.freeze shard.lock manifest.lock gopkg.lock glide.lock
.terraform.lock.hcl
"""
_LOCK_NAMES = frozenset(_LOCKS.split())
_SMALL = re.compile(
    r"[^\n]*[.-](?:min|bundle|chunk|prod\.min)\.(?:[cm]?js|css)|[^\n]*\.(?:[cm]?js|css)\.map", re.IGNORECASE
)

Names = frozenset[str]


def folder_reason(name: str, given: bool, beside: Names, names: Names) -> str:
    """Why a folder is left out; "" where it is not.

    Args:
        name: The folder's.
        given: Whether it lies in the folder that was given.
        beside: The names of what lies beside it, itself among them.
        names: Those of what it holds.
    """
    if reason := _NAMES.get(name):
        return reason
    for held, reason in _HOLDING.items():
        if held in names:
            return reason
    for ending, reason in _ENDINGS.items():
        if name.endswith(ending):
            return reason
    if _FETCHED.get(name) in beside or (name == "vendor" and names & _VENDORED):
        return DEPENDENCIES
    made = any(name in folders.split() for tool, folders in _TOOLS.items() if tool in beside)
    if name in ("bin", "obj"):
        made = any(each.endswith(("proj", ".sln")) for each in beside)
    return BUILT if (made or (given and name in _GIVEN)) and not names & _SOURCES else ""


def file_reason(name: str) -> str:
    """Why a file is left out by its name; "" where it is not."""
    if name.lower() in _LOCK_NAMES:
        return LOCKED
    return MINIFIED if _SMALL.fullmatch(name) else ""
