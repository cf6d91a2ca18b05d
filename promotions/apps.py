"""The Django app."""

from django.apps import AppConfig


class PromotionsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "promotions"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers the system checks)
        from .audit import sign_in  # noqa: F401  (hears of sign-ins and of who may what)
        from .pages import sessions  # noqa: F401  (notes the time of every sign-in)
