"""The published dialect."""

from partnerapi.simulator import shared
from partnerapi.simulator.wire import Route

ROUTES: list[Route] = [*shared.ROUTES]
