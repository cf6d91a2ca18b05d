"""`manage.py rotate_content_keys`: everything that is kept, under the first key of CONTENT_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...encryption import rotate
from ...messages import PromotionError, sentence
from ...models import Channel, Content, Installation


class Command(BaseCommand):
    help = "Encrypts all stored content with the first key of CONTENT_KEYS, so that older keys can be dropped."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            installation = Installation.load()
            Installation.objects.filter(pk=installation.pk).update(
                encrypted_secret=rotate(bytes(installation.encrypted_secret))
            )
            count = 0
            for row in Content.objects.only("encrypted").iterator(chunk_size=50):
                Content.objects.filter(pk=row.pk).update(encrypted=rotate(bytes(row.encrypted)))
                count += 1
            for channel in Channel.objects.all():
                channel.encrypted_url = rotate(bytes(channel.encrypted_url))
                if channel.encrypted_key:
                    channel.encrypted_key = rotate(bytes(channel.encrypted_key))
                channel.save(update_fields=["encrypted_url", "encrypted_key"])
        except PromotionError as error:
            raise CommandError(sentence(error.code, error.detail)) from error
        self.stdout.write(f"{count} contents are now encrypted with the first key.")
