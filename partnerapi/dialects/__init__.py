"""The two dialects: the operations as in the guide, and as in Boomi's published description."""

from partnerapi.client import PartnerApiClient
from partnerapi.dialects.guide import GuideClient
from partnerapi.dialects.published import PublishedClient

__all__ = ["DIALECTS", "GuideClient", "PublishedClient", "dialect_named"]

DIALECTS: dict[str, type[PartnerApiClient]] = {"guide": GuideClient, "published": PublishedClient}


def dialect_named(name: str) -> type[PartnerApiClient]:
    """The client class for the dialect that a setting names.

    :param name: ``guide`` or ``published``.
    :raises ValueError: there is no such dialect.
    """
    try:
        return DIALECTS[name]
    except KeyError:
        raise ValueError(
            f"{name!r} is not a dialect of the Partner API: choose guide or published."
        ) from None
