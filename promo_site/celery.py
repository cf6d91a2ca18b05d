"""The Celery application. Everything that can be set is in settings.py, prefixed CELERY_."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "promo_site.settings")

app = Celery("promo_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["promotions.services"], related_name="resubmission")
