"""How the operations look on the wire: as in the guide, and as in Boomi's published description.

A dialect makes requests and reads answers; what it cannot do is in its capabilities, which are the
only thing that other code may ask about. Nobody asks for a dialect's name to decide something.
"""

from partnerapi.dialects.base import Capabilities, Dialect, Sender
from partnerapi.dialects.guide import GuideDialect
from partnerapi.dialects.published import PublishedDialect

__all__ = ["DIALECTS", "Capabilities", "Dialect", "Sender", "dialect_named"]

DIALECTS: dict[str, type[Dialect]] = {"guide": GuideDialect, "published": PublishedDialect}


def dialect_named(name: str) -> Dialect:
    """The dialect that a setting chooses.

    :param name: ``guide`` or ``published``.
    :raises ValueError: there is no such dialect.
    """
    try:
        return DIALECTS[name]()
    except KeyError:
        raise ValueError(
            f"{name!r} is not a dialect of the Partner API: choose guide or published."
        ) from None
