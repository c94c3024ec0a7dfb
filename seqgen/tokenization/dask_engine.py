"""The same plan over many machines: shards tokenized by dask's workers, joined to the bytes of a single run.

Corpus and output lie where all machines see them under the same path. A worker that dies costs the shards that it had
in hand, which others do again. Tasks and their results travel as pickles between scheduler and workers, as always in
dask: use schedulers that you trust. Nothing that is kept is one.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import seqgen
from seqgen.errors import CorpusError, DataError, UsageError
from seqgen.stream.tables import Shard
from seqgen.tokenization import sharding
from seqgen.tokenization.building import write
from seqgen.tokenization.fitting import Learned, fitted, learned
from seqgen.tokenization.planning import TokenizePlan
from seqgen.tokenization.pool import safe_path
from seqgen.tokenizer import Spec, Tokenizer

if TYPE_CHECKING:
    from distributed import Client, Future

THREADS, PROCESSES = "threads", "processes"
SHARD_BYTES = 64 << 20  # of a shard: some seconds' work, so that a lost one costs little
FEWEST = 4  # shards a worker, so that none waits long for the last
RETRIES = 3
PATIENCE = 15  # seconds for a scheduler to answer


@dataclass(frozen=True)
class Work:
    """What a worker is told: one shard of a plan.

    Attributes:
        made: The plan with this shard's files alone.
        spec: The fitted tokenizer, see `Tokenizer.spec`.
        shard: Which part it is.
        path: Where its stream goes, which all machines see.
        version: Of the seqgen that asks.
    """

    made: TokenizePlan
    spec: Spec
    shard: Shard
    path: Path
    version: str = seqgen.__version__


def build(
    scheduler: str, made: TokenizePlan, output: str | Path, workers: int, progress: Callable[[int], object]
) -> None:
    """Carry out a plan by dask.

    Args:
        scheduler: "processes" or "threads" of this machine, or the address of a scheduler.
        made: The plan.
        output: The file to write; the shards lie in a folder beside it meanwhile.
        workers: How many, where they are of this machine.
        progress: Takes the bytes of each shard that is done.

    Raises:
        UsageError: dask is not installed.
        CorpusError: The scheduler does not answer, a worker does not see the files, or a shard fails again and again.
    """
    with _client(scheduler, workers) as client, _scratch(Path(output)) as folder:
        tokenizer = made.tokenizer or fitted(made, partial(_counted, client))
        work = _shards(made, tokenizer, folder, max(workers, len(client.scheduler_info()["workers"])))
        for done in _results(client, work):
            if isinstance(done, DataError):
                raise done
            progress(sum(source.path.stat().st_size for source in work[done].made.sources))
        sharding.merge([each.path for each in work], Path(output))


def tokenize_shard(work: Work) -> int | DataError:
    """What a worker does. The place of the shard, or why it cannot be tokenized, which another try would not change."""
    if (fault := _fault(work.made, work.version)) is not None:
        return fault
    try:
        write(work.made, Tokenizer.from_spec(work.spec), work.path, 1, lambda count: None, work.shard)
    except DataError as error:
        return error
    return work.shard.index - 1


def count_part(made: TokenizePlan, version: str = seqgen.__version__) -> Learned:
    """What a worker does in the first pass."""
    fault = _fault(made, version)
    return learned(made) if fault is None else Learned(error=fault)


def _fault(made: TokenizePlan, version: str) -> CorpusError | None:
    """Why a worker cannot do what it is told."""
    unseen = next((source.path for source in made.sources if not source.path.exists()), None)
    if unseen is not None:
        where = "name a folder that all machines have under the same path"
        return CorpusError(f"{unseen}: a worker does not see this file", where)
    if version != seqgen.__version__:
        different = f"a worker has seqgen {seqgen.__version__}, expected {version}"
        return CorpusError(different, "install the same on all machines")
    return None


def _counted(
    client: "Client", function: Callable[[TokenizePlan], Learned], parts: Sequence[TokenizePlan]
) -> Iterator[Learned]:
    """The first pass by workers, in order; `function` is what one process would do, see `count_part`."""
    own = [_absolute(made) for made in parts]
    futures = client.map(count_part, own, [seqgen.__version__] * len(own), pure=False, retries=RETRIES)
    for number, future in enumerate(futures, 1):
        yield _outcome(future, f"part {number} of {len(own)}")


def _absolute(made: TokenizePlan) -> TokenizePlan:
    """A plan that means the same files whatever folder a worker is in."""
    sources = tuple(replace(each, path=each.path.absolute()) for each in made.sources)
    return replace(made, sources=sources, tokenizer=None)


def _shards(made: TokenizePlan, tokenizer: Tokenizer, folder: Path, workers: int) -> list[Work]:
    total = sum(source.path.stat().st_size for source in made.sources)
    count = min(max(FEWEST * workers, total // SHARD_BYTES), len(made.sources), sharding.MOST)
    key, spec = sharding.plan_key(made, tokenizer, count), tokenizer.spec()
    work = []
    for index in range(1, count + 1):
        own = _absolute(replace(made, sources=sharding.part(made.sources, index, count)))
        work.append(Work(own, spec, Shard(index, count, key), folder / f"{index}.tokens"))
    return work


def _results(client: "Client", work: list[Work]) -> Iterator[int | DataError]:
    """What becomes of each shard, in the order in which they are done."""
    from distributed import as_completed

    futures = client.map(tokenize_shard, work, pure=False, retries=RETRIES)
    places = {future.key: place for place, future in enumerate(futures)}
    for future in as_completed(futures):
        yield _outcome(future, f"shard {places[future.key] + 1} of {len(work)}")


def _outcome(future: "Future", named: str) -> Any:
    """What a worker found. Raises CorpusError where workers fail again and again."""
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        hint = "out of memory? give workers more, or fewer at a time"
        raise CorpusError(f"{named}: its workers died again and again", hint) from error
    except DataError:
        raise
    except Exception as error:  # whatever a strange machine may raise
        reason = f"{type(error).__name__}: {error}"
        raise CorpusError(f"{named} failed {RETRIES + 1} times ({reason})", "is the same seqgen there?") from error


@contextlib.contextmanager
def _client(scheduler: str, workers: int) -> Iterator["Client"]:
    """A client of the scheduler, with its own workers where it is one of this machine."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise UsageError("the engine dask is not installed", "pip install 'seqgen-art[dask]'") from None
    if scheduler not in (THREADS, PROCESSES):
        try:
            client = Client(scheduler, timeout=PATIENCE)
        except (OSError, ValueError, TypeError, ImportError) as error:
            hint = "an address such as tcp://10.0.0.1:8786, or processes, or threads"
            raise CorpusError(f"the scheduler {scheduler} does not answer ({error})", hint) from error
        with client:
            yield client
        return
    own = scheduler == PROCESSES
    with (
        safe_path(),
        LocalCluster(
            n_workers=workers if own else 1,
            threads_per_worker=1 if own else workers,
            processes=own,
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextlib.contextmanager
def _scratch(output: Path) -> Iterator[Path]:
    """A folder beside the output, gone at the end."""
    try:
        made = tempfile.TemporaryDirectory(
            prefix=f".{output.name}-", dir=output.absolute().parent, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise CorpusError(f"{output}: no folder can be made beside it ({error.strerror})") from error
    with made as folder:
        yield Path(folder)
