"""Asking an admin: from a finding into the inbox, and the answer back to the asker; picking a twin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from promotions import services
from promotions.messages import PromotionError
from promotions.models import (
    Ask,
    ComponentMapping,
    DevAccount,
    Event,
    Finding,
    Job,
    PlannedComponent,
)
from promotions.states import Action
from tests.promotions import factories
from tests.promotions.pages import document, links, signed_in, text


@pytest.fixture
def missing(sales: DevAccount, alice: User) -> Finding:
    """A connection without a twin."""
    plan = factories.plan(sales, alice)
    component = plan.components.get(action=Action.CONNECTION)
    PlannedComponent.objects.filter(pk=component.pk).update(prod_component_id="")
    return factories.finding(
        plan,
        "MISSING_CONNECTION_MAPPINGS",
        component=PlannedComponent.objects.get(pk=component.pk),
    )


@pytest.fixture
def listing(db: None) -> Job:
    rows = [("P-1", "Order connection"), ("p-2", "Warehouse"), ("p-3", "Orders of old")]
    return Job.objects.create(
        kind=Job.Kind.LISTING,
        argument="connector-settings",
        finished_at=timezone.now(),
        result={
            "components": [
                {"id": key, "name": name, "sub_type": "", "folder": "Shared", "version": 4}
                for key, name in rows
            ]
        },
    )


def refused(code: str) -> Any:
    return pytest.raises(PromotionError, match=code)


def test_it_lands_in_the_inbox_and_the_answer_comes_back(
    client: Client, alice: User, bob: User, charlie: User, missing: Finding
) -> None:
    address = reverse("ask_admin", args=[missing.pk])
    page = signed_in(client, alice).get(missing.plan.get_absolute_url())
    assert address in links(page)
    client.post(address, {"reason": "For the season."})
    client.post(address, {"reason": "Again."})
    ask = Ask.objects.get()
    assert (ask.kind, ask.words) == (Ask.Kind.MAPPING, "For the season.")
    assert "Alice asked the admins" in text(client.get(missing.plan.get_absolute_url()))
    assert Event.objects.filter(action="admin_asked", actor=alice).count() == 1
    inbox = signed_in(client, bob).get(reverse("asks"))
    assert "For the season." in text(inbox)
    assert "Questions 1 to be answered" in text(inbox)
    assert reverse("pick_twin", args=[missing.pk]) in links(inbox)
    sent = {"outcome": "declined", "words": "Use the other one."}
    client.post(reverse("answer_ask", args=[ask.pk]), sent)
    assert Event.objects.filter(action="ask_declined", actor=bob).exists()
    answered = signed_in(client, alice).get(f"{reverse('asks')}?show=answered")
    assert "Use the other one." in text(answered)
    assert "Declined by Bob" in text(client.get(missing.plan.get_absolute_url()))
    assert "Use the other one." not in text(
        signed_in(client, charlie).get(f"{reverse('asks')}?show=answered")
    )


def test_who_may_ask_and_who_may_answer(
    alice: User, bob: User, charlie: User, missing: Finding
) -> None:
    with refused("FORBIDDEN"):
        services.ask_admin(charlie, missing)
    ask = services.ask_admin(alice, missing)
    with refused("FORBIDDEN"):
        services.answer(alice, ask, outcome="done")
    with refused("REASON_REQUIRED"):
        services.answer(bob, ask, outcome="declined", words=" ")
    services.answer(bob, ask, outcome="done")
    with refused("INVALID_TRANSITION"):
        services.answer(bob, ask, outcome="declined", words="No.")
    known = factories.finding(missing.plan, "REWRITTEN_IN_DATA", blocking=False)
    with refused("INVALID_TRANSITION"):
        services.ask_admin(alice, known)


def test_accepting_the_finding_answers_it(alice: User, bob: User, missing: Finding) -> None:
    finding = factories.finding(
        missing.plan,
        "SECRET_LEFT_BEHIND",
        component=missing.plan.components.last(),
        can_be_accepted=True,
    )
    ask = services.ask_admin(alice, finding)
    services.accept_finding(bob, finding, reason="It is a public key.")
    ask.refresh_from_db()
    assert (ask.outcome, ask.answered_by, ask.answer) == ("done", bob, "It is a public key.")


def test_a_twin_is_picked_and_the_plan_comes_back(
    client: Client, alice: User, bob: User, missing: Finding, listing: Job
) -> None:
    ask = services.ask_admin(alice, missing)
    page = signed_in(client, bob).get(reverse("pick_twin", args=[missing.pk]))
    offered = document(page).xpath("//input[@name='production']/@value")
    assert offered[0] == "P-1", "The one of the same name comes first."
    assert len(offered) == 3
    found = client.get(reverse("pick_twin", args=[missing.pk]), {"q": "warehouse"})
    assert document(found).xpath("//input[@name='production']/@value") == ["p-2"]
    answer = client.post(reverse("map_to_twin", args=[missing.pk]), {"production": "P-1"})
    assert answer.headers["Location"] == f"{missing.plan.get_absolute_url()}#finding-{missing.pk}"
    mapping = ComponentMapping.objects.get()
    assert missing.component is not None
    assert mapping.dev_component_id == missing.component.dev_component_id
    assert (mapping.prod_component_id, mapping.prod_version) == ("P-1", 4)
    assert Event.objects.filter(action="mapping_added", actor=bob, note="P-1").exists()
    ask.refresh_from_db()
    assert ask.outcome == "done"


def test_only_what_the_list_holds_can_be_picked(
    client: Client, alice: User, bob: User, sales: DevAccount, missing: Finding, listing: Job
) -> None:
    map_it = reverse("map_to_twin", args=[missing.pk])
    assert signed_in(client, alice).post(map_it, {"production": "P-1"}).status_code == 403
    assert client.get(reverse("pick_twin", args=[missing.pk])).status_code == 403
    signed_in(client, bob).post(map_it, {"production": "somewhere-else"})
    assert not ComponentMapping.objects.exists()
    ComponentMapping.objects.create(
        dev_account=sales,
        dev_component_id="another",
        prod_component_id="P-1",
        name="Another",
        component_type="connector-settings",
    )
    refusal = client.post(map_it, {"production": "P-1"}, follow=True)
    assert "Two components cannot write one twin." in text(refusal)
    assert ComponentMapping.objects.count() == 1


def test_the_list_is_read_by_a_worker(client: Client, bob: User, missing: Finding) -> None:
    signed_in(client, bob)
    assert "Not read yet" in text(client.get(reverse("pick_twin", args=[missing.pk])))
    client.post(reverse("read_production", args=[missing.pk]))
    job = Job.objects.get()
    assert (job.kind, job.argument) == (Job.Kind.LISTING, "connector-settings")
    assert "The list is being read" in text(client.get(reverse("pick_twin", args=[missing.pk])))
