"""The one exception that rules and routes raise to answer with an error."""


class ApiError(Exception):
    """An answer with an error status and a message in Boomi's words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def bad_request(message: str) -> ApiError:
    return ApiError(400, message)


def not_found(message: str) -> ApiError:
    """Something is missing. The published dialect turns this into 400, as the platform does."""
    return ApiError(404, message)
