"""Which failures of a call pass without help, and what a failure says about the write that it interrupted."""

from __future__ import annotations

from partnerapi.errors import (
    AccountNotFound,
    AlreadyGone,
    AnswerLost,
    AuthFailed,
    BadResponse,
    NotFound,
    PartnerApiError,
)


def passes(error: PartnerApiError) -> bool:
    """Whether the same call may succeed later although nobody changes what it asks for.

    An outage, a rate limit, a lost answer, an answer that is not the platform's (a maintenance page with status 200),
    a token that is refused until it is renewed. A refused account (403) is a person's matter.
    """
    return error.waiting_helps or isinstance(error, AuthFailed) or _is_not_the_platforms(error)


def may_be_done(error: PartnerApiError) -> bool:
    """Whether a write that met this error may have been carried out all the same: look before it is sent again."""
    return isinstance(error, AnswerLost) or _is_not_the_platforms(error)


def _is_not_the_platforms(error: PartnerApiError) -> bool:
    # Its subclasses say what was answered, and that is nothing that passes.
    return type(error) is BadResponse


def is_not_found(error: Exception) -> bool:
    """Whether the platform does not find something, which may only be too new; what was deleted is not that."""
    return isinstance(error, NotFound) and not isinstance(error, (AlreadyGone, AccountNotFound))
