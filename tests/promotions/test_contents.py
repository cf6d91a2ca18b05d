"""What is kept of components: once, encrypted, and under keys that can be changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from promotions.encryption import decrypt, encrypt
from promotions.messages import PromotionError
from promotions.models import Content, Installation, PrimaryAccount
from promotions.plan import contents

pytestmark = pytest.mark.django_db


def test_equal_content_is_kept_once_and_cannot_be_read_from_the_database() -> None:
    one = contents.store(b"<Component>hello</Component>")
    two = contents.store(b"<Component>hello</Component>")
    assert one.pk == two.pk
    row = Content.objects.get()
    assert row.content == b"<Component>hello</Component>"
    assert b"hello" not in bytes(row.encrypted)


def test_the_digest_does_not_tell_the_content_to_who_guesses_it() -> None:
    import hashlib

    row = contents.store(b"guess me")
    assert row.digest != hashlib.sha256(b"guess me").hexdigest()


def test_a_new_key_reads_what_the_old_one_wrote(settings: Any) -> None:
    settings.CONTENT_KEYS = ["old"]
    mark = Installation.load().mark
    digest = contents.store(b"kept").digest
    settings.CONTENT_KEYS = ["new", "old"]
    assert contents.store(b"kept").digest == digest
    call_command("rotate_content_keys")
    settings.CONTENT_KEYS = ["new"]
    assert Content.objects.get().content == b"kept"
    assert contents.store(b"kept").digest == digest
    assert Installation.load().mark == mark


def test_a_lost_key_is_told(settings: Any) -> None:
    settings.CONTENT_KEYS = ["old"]
    row = contents.store(b"kept")
    settings.CONTENT_KEYS = ["another"]
    with pytest.raises(PromotionError) as told:
        _ = Content.objects.get(pk=row.pk).content
    assert told.value.code == "CONTENT_UNREADABLE"
    with pytest.raises(CommandError, match="CONTENT_KEYS"):
        call_command("rotate_content_keys")


def test_nothing_that_must_last_depends_on_the_secret_key(settings: Any) -> None:
    mark, key = Installation.load().mark, Installation.load().key("finding")
    settings.SECRET_KEY = "another one altogether"
    assert (Installation.load().mark, Installation.load().key("finding")) == (mark, key)
    assert Installation.load().key("seal") != key


def test_encryption_is_never_the_same_twice() -> None:
    assert encrypt(b"x") != encrypt(b"x")
    assert decrypt(encrypt(b"x")) == b"x"


def test_rows_of_the_platform_hang_on_the_primary_account(settings: Any) -> None:
    from promotions.models import DevAccount, Environment

    account = DevAccount.objects.create(account_id="dev-1", name="Dev")
    assert account.primary_account == PrimaryAccount.current()
    assert str(PrimaryAccount.current()) == settings.PARTNER_API_ACCOUNT
    environment = Environment(environment_id="e", name="E", classification="PROD")
    assert environment.primary_account_id == account.primary_account_id
