"""What of the folders of a SOURCE is wanted: the same for every job that takes one."""

from collections.abc import Sequence
from dataclasses import dataclass

from seqgen.files.choosing import Choice


@dataclass(frozen=True, kw_only=True)
class InFolders:
    """What of folders is read, as `seqgen.files.choosing.Choice` has it.

    Attributes:
        follow_links: Whether links in a folder may lead out of it.
        everything: Read what is hidden and what a tool made, too.
        include: Read only what fits one of these patterns, if there are any.
        exclude: Leave out what fits one of these.
    """

    follow_links: bool = False
    everything: bool = False
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    @property
    def choice(self) -> Choice:
        """The same as one value.

        Raises:
            SettingError: A pattern is none.
        """
        return Choice(self.follow_links, self.everything, self.everything, tuple(self.include), tuple(self.exclude))
