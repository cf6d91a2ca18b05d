"""What can go wrong when the Partner API is called, sorted by what happens next.

::

    PartnerApiError
    ├── WaitAndRetry                waiting helps
    │   ├── RateLimited             429, or 503 because of the pace, retries used up
    │   ├── ApiUnavailable          503, 502, 504, no connection, timeout
    │   └── AnswerLost              a write was sent and no answer says what became of it: look first
    └── NeedsPerson                 waiting does not help
        ├── AuthFailed              401
        ├── Forbidden               403
        ├── NotFound                404, or 400 whose message says that the object is missing
        │   ├── AlreadyGone         the object was there and has been deleted
        │   └── AccountNotFound     the account itself is unknown or cannot be reached
        ├── Conflict                409 to operation 12 or 13
        ├── ChangedMeanwhile        409 to operation 3: somebody else wrote the component
        ├── DataTypeChanged         400 "Changing the data type …": refused, whatever is tried
        ├── ComponentLocked         400 "locked": a person holds it open in the Boomi editor
        ├── ImmaterialUpdate        an update that changes nothing was refused
        ├── AlreadyExists           400: the name or version is taken
        ├── BranchLimitReached      400: no more branches on this account
        ├── BranchingNotEnabled     400: the account has no branches at all
        ├── BadRequest              any other 400
        └── BadResponse             an answer that is not what the description promises
            ├── BranchIgnored       a write that landed on another branch than it was meant for
            └── FolderIgnored       a new component that landed in another folder
"""


class PartnerApiError(Exception):
    """A Partner API call did not do what was asked.

    :param message: one sentence for a person, ending with Boomi's own message; never a secret.
    :param operation: the operation's number in the guide (1-19), or the name of a supporting one.
    :param status: HTTP status of the answer, if there was one.
    :param boomi_message: Boomi's own words, if the answer had any.
    """

    code = "API_ERROR"
    waiting_helps = False

    def __init__(
        self,
        message: str,
        *,
        operation: int | str | None = None,
        status: int | None = None,
        boomi_message: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.operation = operation
        self.status = status
        self.boomi_message = boomi_message


class WaitAndRetry(PartnerApiError):
    """The same call may succeed later."""

    waiting_helps = True

    def __init__(
        self,
        message: str,
        *,
        operation: int | str | None = None,
        status: int | None = None,
        boomi_message: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, operation=operation, status=status, boomi_message=boomi_message)
        self.retry_after = retry_after


class RateLimited(WaitAndRetry):
    code = "RATE_LIMITED"


class ApiUnavailable(WaitAndRetry):
    code = "API_UNAVAILABLE"


class AnswerLost(WaitAndRetry):
    """A write may or may not have been done."""

    code = "API_UNAVAILABLE"


class NeedsPerson(PartnerApiError):
    """Waiting does not help."""


class AuthFailed(NeedsPerson):
    code = "AUTH_FAILED"


class Forbidden(NeedsPerson):
    code = "FORBIDDEN_ACCOUNT"


class NotFound(NeedsPerson):
    code = "NOT_FOUND"


class AlreadyGone(NotFound):
    code = "ALREADY_GONE"


class AccountNotFound(NotFound):
    code = "ACCOUNT_NOT_FOUND"


class Conflict(NeedsPerson):
    code = "MERGE_CONFLICT"


class ChangedMeanwhile(NeedsPerson):
    code = "CHANGED_MEANWHILE"


class DataTypeChanged(NeedsPerson):
    code = "DATA_TYPE_CHANGED"


class ComponentLocked(NeedsPerson):
    code = "COMPONENT_LOCKED"


class ImmaterialUpdate(NeedsPerson):
    code = "IMMATERIAL_UPDATE"


class AlreadyExists(NeedsPerson):
    code = "ALREADY_EXISTS"


class BranchLimitReached(NeedsPerson):
    code = "BRANCH_LIMIT_REACHED"


class BranchingNotEnabled(NeedsPerson):
    code = "BRANCHING_NOT_ENABLED"


class BadRequest(NeedsPerson):
    code = "BAD_REQUEST"


class BadResponse(NeedsPerson):
    code = "BAD_RESPONSE"


class BranchIgnored(BadResponse):
    code = "BRANCH_IGNORED"


class FolderIgnored(BadResponse):
    code = "FOLDER_IGNORED"
