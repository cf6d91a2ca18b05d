"""What changes in a component, on the pages: first as people see it, then as XML."""

from __future__ import annotations

from collections import Counter

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from promotions.models import Plan, PlannedComponent
from tests.promotions import factories
from tests.promotions.pages import document, links, signed_in, text
from tests.reading import samples


@pytest.fixture
def plan(alice: User) -> Plan:
    return factories.plan(factories.account(), alice, sentences=["1 process changes its messages."])


def difference(client: Client, component: PlannedComponent) -> object:
    address = reverse("component_difference", args=[component.plan_id, component.pk])
    return client.get(address)


def test_a_process_shows_its_canvas_before_its_xml(client: Client, alice: User, plan: Plan) -> None:
    component = factories.read_component(plan, "Import", *samples.changed_process())
    answer = difference(signed_in(client, alice), component)
    page = document(answer)
    assert "Gains Decision “Is it open?” and Stop “Ends the process”" in text(answer)
    drawings = page.xpath("//*[local-name()='svg'][contains(@class, 'canvas')]")
    assert len(drawings) == 6  # difference, new and old, from left to right and from top to bottom
    assert all("2 added, 1 changed" in svg.get("aria-label") for svg in drawings[:2])
    [xml] = page.xpath("//details[contains(@class, 'xml-view')]")
    assert xml.get("open") is None
    assert xml.xpath(".//table[contains(@class, 'difference')]")
    words = " ".join(page.xpath("//details[@class='in-words']//li")[1].text_content().split())
    assert "Connector" in words
    assert "added to Decision “Is it open?”" in words


def test_every_link_to_a_change_leads_to_one_and_ids_are_unique(
    client: Client, alice: User, plan: Plan
) -> None:
    for old, new in (samples.changed_process(), samples.changed_map(), samples.changed_profile()):
        component = factories.read_component(plan, "Import", old, new)
        answer = difference(signed_in(client, alice), component)
        ids = Counter(document(answer).xpath("//*[@id]/@id"))
        assert [name for name, count in ids.items() if count > 1] == []
        inner = {
            address for address in links(answer) if address.startswith(f"#change-{component.pk}-")
        }
        assert inner
        assert {address[1:] for address in inner} <= set(ids)
        assert not document(answer).xpath("//main//*[@style]")


def test_a_map_is_told_by_its_paths(client: Client, alice: User, plan: Plan) -> None:
    component = factories.read_component(plan, "To invoice", *samples.changed_map())
    told = text(difference(signed_in(client, alice), component))
    assert "Gains 1 field (currency); changes 1 field (amount)." in told
    assert "Order/gross → Invoice/amount" in told


def test_a_profile_is_a_tree(client: Client, alice: User, plan: Plan) -> None:
    component = factories.read_component(plan, "Order", *samples.changed_profile())
    told = text(difference(signed_in(client, alice), component))
    assert "now mandatory" in told
    assert "character → number" in told
    assert "Gains 1 element; loses 1 element; retypes 1 element" in told


def test_what_nobody_can_read_is_shown_as_xml(client: Client, alice: User, plan: Plan) -> None:
    old = samples.document('<Thing xmlns="" a="1"/>', "something.new")
    new = samples.document('<Thing xmlns="" a="2"/>', "something.new")
    component = factories.read_component(plan, "Thing", old, new)
    [xml] = document(difference(signed_in(client, alice), component)).xpath(
        "//details[contains(@class, 'xml-view')]"
    )
    assert xml.get("open") is not None


def test_a_component_without_a_reading_shows_its_xml(
    client: Client, alice: User, plan: Plan
) -> None:
    component = plan.components.get(component_type="process")
    page = document(difference(signed_in(client, alice), component))
    assert not page.xpath("//*[@class='reading']")
    assert page.xpath("//table[contains(@class, 'difference')]")


def test_a_label_cannot_bring_mark_up_or_turn_the_text(
    client: Client, alice: User, plan: Plan
) -> None:
    old, new = samples.changed_process()
    new = samples.changed(
        new, 'userlabel="Ack"', 'userlabel="&lt;script&gt;alert(1)&lt;/script&gt;\u202e"'
    )
    component = factories.read_component(plan, "Import", old, new)
    answer = difference(signed_in(client, alice), component)
    content = answer.content.decode()  # type: ignore[attr-defined]
    assert "<script>alert" not in content
    assert "\u202e" not in content
    assert "&lt;U+202E&gt;" in content


def test_the_plan_shows_sentences_and_who_uses_whom(
    client: Client, alice: User, plan: Plan
) -> None:
    root = plan.components.get(component_type="process")
    used = plan.components.get(component_type="transform.map")
    root.depends_on = [used.dev_component_id]
    root.sentence = "Changes Message “Ack” (text)."
    root.save()
    answer = signed_in(client, alice).get(plan.get_absolute_url())
    told = text(answer)
    assert "1 process changes its messages." in told
    assert "Changes Message “Ack” (text)." in told
    [graph] = document(answer).xpath("//*[local-name()='svg'][contains(@class, 'graph')]")
    assert graph.get("aria-label") == "What uses what: 1 new, 1 updated, 1 unchanged, 1 connection"
    addresses = set(graph.xpath(".//*[local-name()='a']/@href"))
    assert addresses == {
        reverse("component_difference", args=[plan.pk, each.pk]) for each in plan.components.all()
    }
    assert "Order import (updated) uses Order to invoice." in told


def test_lists_tell_of_a_plan_in_one_sentence(client: Client, alice: User) -> None:
    told = ["Nothing that production has is changed.", "1 process is new.", "The rest stays."]
    new = factories.plan(factories.account(), alice, sentences=told)
    factories.promotion(new, alice)
    shown = text(signed_in(client, alice).get(reverse("my_promotions")))
    assert "1 process is new." in shown
    assert "Nothing that production has" not in shown
