"""Every error the engine raises.

    HaloError
    ├── InvalidInput                what was given cannot be read
    │   └── SignatureInvalid        it is not one of this device over what stands now
    ├── NotFound                    no such thing in this household
    ├── NotAuthorised               this member may not
    │   ├── NeedsAnother            this yes is kept, and somebody else's is needed too
    │   ├── SignatureRequired       the household wants this yes signed
    │   └── CodeRefused             a device's code opens nothing
    ├── NotInitialised              there is no household here yet
    ├── Conflict                    the thing is no longer in a state that allows it
    │   ├── NameTaken               somebody or something else is called that
    │   ├── AlreadyConfirmed
    │   ├── AlreadyCancelled
    │   ├── SignatureExpired        signed too long ago
    │   ├── SignatureUsed           this signature has counted already
    │   ├── FencedOff               somebody else has moved it in the meantime
    │   └── TermsChanged            what was confirmed is not what stands now
    │       └── DraftExpired
    ├── IllegalMove                 a bug in Halo: nothing may go on from here
    ├── StillRunning                waited as long as was asked; it goes on
    ├── ParserFailed                the words could not be read now
    ├── VendorFailed                a vendor could not be asked
    ├── ServerAway                  Halo's own server could not be asked
    ├── QueryStopped                a question about the log took more than it may
    └── StoreFailed                 the books could not be opened or written
        ├── StoreBusy
        ├── StoreDamaged
        └── StoreNotWritable

The class docstring is the default message; `hint` says what to do next. Faces map classes to exit codes and HTTP statuses in one table each.
Out of stock is not here: it is an answer (`halo_engine.model.outcome`), not an error.
"""

from __future__ import annotations

import re
from typing import ClassVar

from halo_engine.model.draft import Draft
from halo_engine.model.text import without_commands


class HaloError(Exception):
    """Something went wrong."""

    default_hint: ClassVar[str] = ""

    def __init__(self, message: str | None = None, *, hint: str | None = None, public: str | None = None) -> None:
        """`public` is said instead of a message that repeats what was given, where that may not be repeated: over HTTP.

        There nobody has a prompt either: `public_hint` is what of the hint is no command.
        """
        self.message = message or " ".join((self.__doc__ or "").split())
        self.hint = self.default_hint if hint is None else hint
        self.public, self.public_hint = self.message if public is None else public, without_commands(self.hint)
        super().__init__(self.message)

    @classmethod
    def published_code(cls) -> str:
        """Stable name for programs: the class name in snake case."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @property
    def code(self) -> str:
        """The published code of its class."""
        return self.published_code()


class InvalidInput(HaloError):
    """What was given cannot be read."""


class SignatureInvalid(InvalidInput):
    """This is no signature of this device over the terms that stand now."""


class NotFound(HaloError):
    """There is no such thing in this household."""

    default_hint = "List what there is with: halo activity"


class NotAuthorised(HaloError):
    """This member may not do that."""


class NeedsAnother(NotAuthorised):
    """Your yes is kept. Somebody else has to confirm the same terms before anything is done."""


class CodeRefused(NotAuthorised):
    """This code opens nothing, or not any more."""

    default_hint = "A code works once, for ten minutes. Make a new one with: halo devices add NAME"


class SignatureRequired(NotAuthorised):
    """This household wants a yes to this signed by a device of whoever says it."""

    default_hint = (
        "Nothing was done. Sign the draft's signing object. For this terminal make a key with: halo devices add NAME --this-terminal"
    )


class NotInitialised(HaloError):
    """There is no household here yet."""

    default_hint = "Make one with: halo init"


class Conflict(HaloError):
    """Things are not, or no longer, in a state that allows this."""


class NameTaken(Conflict):
    """That name is taken already."""

    default_hint = "Give another one, which tells them apart."


class AlreadyConfirmed(Conflict):
    """This draft was confirmed already."""


class AlreadyCancelled(Conflict):
    """This draft was cancelled."""

    default_hint = "Nothing was bought. Ask again for a new draft."


class SignatureExpired(Conflict):
    """This was signed too long ago."""

    default_hint = "Nothing was done. Fetch the object to sign once more, and sign that."


class SignatureUsed(Conflict):
    """This signature has counted already."""

    default_hint = "Nothing more was done. See how it went with: halo activity"


class FencedOff(Conflict):
    """The execution was carried on by somebody else."""


class TermsChanged(Conflict):
    """These are not the terms that stand now. Nothing was done."""

    default_hint = "Read the current draft and confirm its hash."

    def __init__(self, message: str | None = None, *, current: Draft, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.current = current


class DraftExpired(TermsChanged):
    """This draft has expired. Nothing was done."""

    default_hint = "Ask again: prices and times are looked up anew."


class IllegalMove(HaloError):
    """There is no such move between these two states. That is a bug in Halo; nothing was done."""


class StillRunning(HaloError):
    """It is taking longer than the time given to wait."""

    default_hint = "It goes on. Look again with: halo show EXECUTION"


class ParserFailed(HaloError):
    """The words could not be read right now."""

    default_hint = "Try again. The offline parser asks nobody: HALO_PARSER=offline"


class VendorFailed(HaloError):
    """The vendor could not be asked right now. Nothing was done."""

    default_hint = "Try again in a minute."


class ServerAway(HaloError):
    """The server could not be reached."""

    default_hint = "Look whether it runs (halo serve), and try again."


class QueryStopped(HaloError):
    """The query took more time or memory than it may."""


class StoreFailed(HaloError):
    """The books could not be read or written."""

    def __init__(self, message: str | None = None, *, hint: str | None = None, public: str | None = None) -> None:
        super().__init__(message, hint=hint, public=public)
        if public is None:
            # Where they are is nobody's business but of whoever runs this.
            self.public, self.public_hint = " ".join((self.__doc__ or "").split()), self.default_hint


class StoreBusy(StoreFailed):
    """Another process is writing to the same data directory."""

    default_hint = "Try again in a moment; nothing was lost."


class StoreDamaged(StoreFailed):
    """The database file is damaged or is not a Halo database."""

    default_hint = "Keep the file, and restore the directory from a backup."


class StoreNotWritable(StoreFailed):
    """The data directory cannot be written."""

    default_hint = "Check its owner, its mode and the free space, or choose another with --home."
