"""What can be wrong with a component's XML. No message ever holds a value of the document."""


class ComponentXmlError(ValueError):
    """The XML cannot be used; `code` sorts the failure, `message` is for a person."""

    def __init__(self, message: str, code: str = "BAD_RESPONSE") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class BadXml(ComponentXmlError):
    """Not a component's XML: it does not parse, or has another root or encoding."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "BAD_RESPONSE")


class UnsafeXml(ComponentXmlError):
    """XML that parses but plays tricks that no component needs."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "UNSAFE_XML")


class TooLarge(ComponentXmlError):
    """More bytes or elements than one component may have."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "COMPONENT_TOO_LARGE")
