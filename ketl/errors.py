"""The whole family of errors, each with a message that a merchandiser can be shown as it stands.

KetlError
├── UsageError                the caller's mistakes: nothing was sent
│   ├── SettingsError         key, plan, limits, file endings, options
│   ├── CatalogError          the product file cannot be read or is not a catalogue
│   ├── SelectionError        unknown product, language or field (names the near matches)
│   └── GoalError             a deadline or cost cap that no plan can meet
└── RunError                  something failed while working
    ├── TakenOverError        another process goes on with the run
    ├── UnreachableError      no connection, a reset, a time-out
    ├── AuthenticationError   the key was refused
    ├── LimitReachedError     429, 413 and 498: a limit of the provider, with its facts
    ├── ModelGoneError        the model is retired, blocked or unknown
    ├── RefusedError          the provider would not take the request (400, 403, 422)
    ├── ProviderError         the provider failed (5xx)
    └── UnusableReplyError    a 200 whose content is not the translation asked for
"""

from __future__ import annotations

from ketl._words import redact


class KetlError(Exception):
    """Root of all errors of this package; `str(error)` is a sentence for a merchandiser.

    The facts are None when unknown: `model` the model's id, `attempt` which try it was (from 1),
    `wait_s` the seconds after which a retry makes sense, `unit` the unit concerned.
    """

    def __init__(
        self,
        message: str,
        *,
        unit: str | None = None,
        model: str | None = None,
        attempt: int | None = None,
        wait_s: float | None = None,
    ) -> None:
        super().__init__(redact(message))
        self.unit = unit
        self.model = model
        self.attempt = attempt
        self.wait_s = wait_s


class UsageError(KetlError):
    """The input or the settings are wrong; nothing was sent."""


class SettingsError(UsageError):
    """A setting, option, plan file or output path cannot be used."""


class CatalogError(UsageError):
    """The product file is missing, unreadable, or is not a catalogue."""


class SelectionError(UsageError):
    """An unknown product, language or field was asked for."""


class GoalError(UsageError):
    """No plan can meet the deadline or the cost cap; the message says what could."""


class RunError(KetlError):
    """Something failed while the run was working."""


class TakenOverError(RunError):
    """Another process has taken the run over; this one must write no more of it."""


class UnreachableError(RunError):
    """The provider could not be reached, the connection broke, or the answer did not come in time."""

    def __init__(self, message: str, *, timed_out: bool = False, model: str | None = None) -> None:
        super().__init__(message, model=model)
        self.timed_out = timed_out


class AuthenticationError(RunError):
    """The provider refused the API key."""


class LimitReachedError(RunError):
    """The provider refused for a limit.

    `kind` is RPM, RPD, TPM, TPD, ITPM, OTPM or CAPACITY, None when the body did not say; `limit`, `used`
    and `requested` are in the unit of the kind; `too_large` means that waiting cannot help.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        limit: float | None = None,
        used: float | None = None,
        requested: float | None = None,
        too_large: bool = False,
        model: str | None = None,
        wait_s: float | None = None,
    ) -> None:
        super().__init__(message, model=model, wait_s=wait_s)
        self.kind = kind
        self.limit = limit
        self.used = used
        self.requested = requested
        self.too_large = too_large


class ModelGoneError(RunError):
    """The model is retired, blocked for this key, or unknown."""


BLOCKED = "blocked"
ACCOUNT = "account"
CEILING = "max_completion_tokens"


class RefusedError(RunError):
    """The provider would not take the request.

    `code` is its own word for why, if it gave one, or ours: BLOCKED where nothing gets through, ACCOUNT where
    the account is refused and not the request, CEILING where the answer may not be that long (`most_tokens` is
    the provider's own maximum), `reasoning` or `response_format` for a field that the model does not want.
    """

    def __init__(
        self, message: str, *, code: str | None = None, model: str | None = None, most_tokens: int | None = None
    ) -> None:
        super().__init__(message, model=model)
        self.code = code
        self.most_tokens = most_tokens


class ProviderError(RunError):
    """The provider itself failed (a 5xx answer); `status` is the HTTP status."""

    def __init__(
        self, message: str, *, status: int = 500, model: str | None = None, wait_s: float | None = None
    ) -> None:
        super().__init__(message, model=model, wait_s=wait_s)
        self.status = status


class UnusableReplyError(RunError):
    """The answer arrived but holds no usable translation (empty, cut off, not the form asked for)."""
