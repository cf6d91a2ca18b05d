"""What became of a click is told where the click was: the answer leads to that place, and the message stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from promotions.models import Ask, Channel, Job
from promotions.setup.roles import set_up_roles
from tests.promotions import factories
from tests.promotions.pages import HTMX, document, signed_in
from tests.promotions.test_adoption import job_with, proposal

if TYPE_CHECKING:
    from promotions.models import DevAccount

pytestmark = pytest.mark.django_db


def told_at(answer: Any) -> tuple[str, list[str]]:
    """The anchor that an answer leads to, and the messages in the part of the page that it names."""
    address, _ = answer.redirect_chain[-1]
    anchor = address.partition("#")[2]
    page = document(answer)
    (place,) = page.xpath(f"//*[@id='{anchor}']")
    inside = place.xpath(".//*[@data-takes-focus]//p")
    everywhere = page.xpath("//*[contains(@class, 'notice') and @role='status']//p")
    assert len(inside) >= len(everywhere), "it is told elsewhere too"
    return anchor, [" ".join(line.text_content().split()) for line in inside]


@pytest.fixture
def channel(db: None) -> Channel:
    return Channel.objects.create(name="Operations", kind=Channel.Kind.SLACK, told=[])


def test_the_message_channels(client: Client, bob: User, channel: Channel, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    signed_in(client, bob)
    User.objects.filter(pk=bob.pk).update(email="bob@example.com")
    sent = client.post(reverse("send_test", args=[channel.pk]), follow=True)
    anchor, (words,) = told_at(sent)
    assert anchor == f"channel-{channel.pk}"
    assert words.startswith("A test message is on its way")
    saved = client.post(
        reverse("edit_channel", args=[channel.pk]),
        {"name": "Operations", "kind": "slack", "url": "", "is_active": "on"},
        follow=True,
    )
    assert told_at(saved) == (anchor, ["“Operations” is saved."])
    deleted = client.post(reverse("delete_channel", args=[channel.pk]), follow=True)
    assert told_at(deleted) == ("channels", ["“Operations” is deleted."])
    assert told_at(client.post(reverse("send_test_mail"), follow=True))[0] == "mail"


def test_adopting_twins(client: Client, bob: User, sales: DevAccount) -> None:
    job = job_with(sales, proposal())
    signed_in(client, bob)
    address = reverse("adopt_twins", args=[job.pk])
    nothing = client.post(address, follow=True)
    assert told_at(nothing) == ("adopted", ["Nothing was ticked, so nothing was mapped."])
    # htmx gets the part of the page, with the same words in it.
    part = client.post(address, {"proposal": [proposal().key]}, follow=True, **HTMX)
    assert "<html" not in part.content.decode()
    assert "1 component mapped" in told_at(part)[1][0]


def test_what_one_is_told(client: Client, alice: User) -> None:
    signed_in(client, alice)
    page = document(client.get(reverse("preferences")))
    (form,) = page.xpath("//form[@id='preferences']")
    fields = {name: value or "" for name, value in form.fields.items() if name}
    answer = client.post(reverse("preferences"), fields, follow=True)
    assert told_at(answer) == ("saved", ["Your choice is saved."])


def test_comparing_with_production(client: Client, bob: User) -> None:
    answer = signed_in(client, bob).post(reverse("look_for_drift"), follow=True)
    anchor, (words,) = told_at(answer)
    assert anchor == "drift"
    assert words.startswith("A worker is comparing production")


@pytest.mark.parametrize("back", ["setup", "process_board", "home"])
def test_asking_the_platform_again(client: Client, bob: User, back: str) -> None:
    answer = signed_in(client, bob).post(
        reverse("ask_platform"), {"next": reverse(back)}, follow=True
    )
    assert answer.redirect_chain[-1][0] == f"{reverse(back)}#platform"
    assert told_at(answer) == ("platform", ["The platform is being asked again."])


@pytest.mark.parametrize("page", ["setup", "process_board", "home"])
def test_what_is_asked_again_leads_back_to_its_page(client: Client, bob: User, page: str) -> None:
    """The notice stands on several pages; each is where its button leads back to."""
    account = factories.account().primary_account
    type(account).objects.filter(pk=account.pk).update(
        hold_kind="platform", hold_since=timezone.now(), hold_code="API_UNAVAILABLE"
    )
    shown = document(signed_in(client, bob).get(reverse(page)))
    forms = shown.xpath(f"//form[@action='{reverse('ask_platform')}']")
    assert [form.fields["next"] for form in forms] == [reverse(page)]


def test_findings_and_questions(client: Client, alice: User, bob: User, sales: DevAccount) -> None:
    plan = factories.plan(sales, alice)
    factories.finding(plan, "REWRITTEN_IN_DATA", blocking=False)
    finding = factories.finding(
        plan, "TWIN_IN_PRODUCTION", component=plan.components.last(), can_be_accepted=True
    )
    asked = signed_in(client, alice).post(reverse("ask_admin", args=[finding.pk]), follow=True)
    anchor, (words,) = told_at(asked)
    assert anchor == f"finding-{finding.pk}"
    assert words.startswith("The admins have been asked.")
    signed_in(client, bob)
    answer = client.post(
        reverse("answer_ask", args=[Ask.objects.get().pk]),
        {"outcome": "done", "words": ""},
        follow=True,
    )
    assert told_at(answer) == ("asks", ["“Order connection” is answered."])
    accepted = client.post(
        reverse("accept_finding", args=[finding.pk]), {"reason": "It is."}, follow=True
    )
    anchor, (words,) = told_at(accepted)
    assert anchor == f"finding-{finding.pk}"
    assert words.startswith("Accepted, for “Order connection”")


def test_picking_a_twin(client: Client, alice: User, bob: User, sales: DevAccount) -> None:
    plan = factories.plan(sales, alice)
    finding = factories.finding(plan, "MISSING_CONNECTION_MAPPINGS")
    signed_in(client, bob)
    Job.objects.create(
        kind=Job.Kind.LISTING, argument="connector-settings", finished_at=timezone.now()
    )
    nothing = client.post(reverse("map_to_twin", args=[finding.pk]), follow=True)
    assert told_at(nothing) == ("twins", ["Pick a component from the list first."])


def test_a_peers_approval(
    client: Client, alice: User, bob: User, make_user: Any, sales: DevAccount
) -> None:
    promotion = factories.for_peers(factories.mapped_plan(sales, alice), alice, {"Finance": 2})
    peer = make_user("fay", "Finance")
    page = document(signed_in(client, peer).get(reverse("review", args=[promotion.pk])))
    (form,) = page.xpath("//form[contains(@action, 'approve-as-peer')]")
    answer = client.post(form.action, dict(form.fields), follow=True)
    assert told_at(answer) == ("decision", ["Approved, as a peer."])


def test_a_mapping_file_that_was_not_previewed(client: Client, bob: User) -> None:
    set_up_roles()
    address = reverse("admin:promotions_componentmapping_process_import")
    answer = signed_in(client, bob).post(address, follow=True)
    assert answer.redirect_chain[-1][0].endswith("/import/#import")
    page = document(answer)
    (words,) = page.xpath("//*[@id='import']//*[@role='alert']")
    assert "preview your own file first" in words.text_content()
    assert not page.xpath("//ul[contains(@class, 'messagelist')]")
