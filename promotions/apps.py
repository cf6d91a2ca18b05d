"""The Django app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PromotionsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "promotions"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers the system checks)
        from .audit import sign_in  # noqa: F401  (hears of sign-ins and of who may what)
        from .pages import sessions  # noqa: F401  (notes the time of every sign-in)
        from .setup.roles import after_migrate

        post_migrate.connect(after_migrate, sender=self)
