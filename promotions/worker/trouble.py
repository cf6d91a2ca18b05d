"""Which failures of a call pass without help, and what a failure says about the write it interrupted."""

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
    """Whether the same call may succeed later without anybody changing it.

    That covers an outage, a rate limit, a lost answer, an answer that is not the platform's (a maintenance page with
    status 200) and a token that is refused until it is renewed. A refused account (403) needs a person.
    """
    return error.waiting_helps or isinstance(error, AuthFailed) or _is_not_the_platforms(error)


def may_be_done(error: PartnerApiError) -> bool:
    """Whether a write that met this error may have been carried out anyway: look before sending it again."""
    return isinstance(error, AnswerLost) or _is_not_the_platforms(error)


def _is_not_the_platforms(error: PartnerApiError) -> bool:
    # Its subclasses say what the answer was, and none of those passes.
    return type(error) is BadResponse


def is_not_found(error: Exception) -> bool:
    """Whether the platform cannot find something that may just be too new; something deleted does not count."""
    return isinstance(error, NotFound) and not isinstance(error, (AlreadyGone, AccountNotFound))
