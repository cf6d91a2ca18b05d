"""The Django project: settings, the Celery application, the root of the addresses."""

# Imported here so that a task that is queued from a web process finds the broker of this project.
from promo_site.celery import app as celery_app

__all__ = ["celery_app"]
