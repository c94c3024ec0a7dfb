"""What `seqgen lesson` does: run a lesson, and write its page."""

from collections.abc import Callable
from dataclasses import dataclass

from seqgen.errors import UsageError
from seqgen.files import STANDARD, write_bytes
from seqgen.inside import lessons
from seqgen.inside.lessons import Lesson
from seqgen.jobs.observer import SILENT, Observer


@dataclass(frozen=True)
class LessonJob:
    """Which lesson.

    Attributes:
        name: Of it.
        output: An HTML file; None: no page is written.
        seed: Of weights and data.
    """

    name: str
    output: str | None = None
    seed: int = 1


def listed() -> list[tuple[str, str]]:
    """(name, what it is about) of every lesson."""
    return [(name, lessons.about(name)) for name in lessons.names()]


def lesson(job: LessonJob, say: Callable[[str], object], observer: Observer = SILENT) -> Lesson:
    """Run it; `say` takes each line.

    Raises:
        UsageError: There is no such lesson, or torch is not installed.
        OutputError: The page cannot be written.
    """
    try:
        found = lessons.run(job.name, say, job.seed)
    except ImportError as error:
        raise UsageError("lessons need torch, which cannot be imported here", "pip install torch") from error
    if job.output is not None:
        from seqgen.render.report import report_html

        write_bytes(job.output, report_html(found.title, found.sections).encode("utf-8"))
        if job.output != STANDARD:
            observer.note(f"Wrote {job.output}")
    return found
