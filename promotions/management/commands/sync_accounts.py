"""Reads dev accounts, environments and Integration Packs from the platform, as the button of the set-up page does."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from partnerapi.errors import PartnerApiError

from ...messages import PromotionError, sentence
from ...models import Job
from ...partner import client, error_of
from ...setup.accounts import synchronise

KINDS = {"accounts": "dev accounts", "environments": "environments", "packs": "Integration Packs"}


class Command(BaseCommand):
    help = (
        "Adds the platform's dev accounts, environments and Integration Packs and renames what was renamed; "
        "nothing is switched on, off or deleted."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = synchronise(client())
        except PartnerApiError as error:
            told = error_of(error)
            raise CommandError(sentence(told.code, told.detail)) from error
        except PromotionError as error:
            raise CommandError(sentence(error.code, error.detail)) from error
        Job.objects.create(kind=Job.Kind.ACCOUNTS, result=result, finished_at=timezone.now())
        for key, words in KINDS.items():
            if told_of := result.get(key):
                self.stdout.write(f"{told_of['seen']} {words} seen")
                for what in ("new", "changed", "gone"):
                    for name in told_of[what]:
                        self.stdout.write(
                            f"  {'not listed any more' if what == 'gone' else what}: {name}"
                        )
        for problem in result["problems"]:
            self.stderr.write(self.style.WARNING(problem))
