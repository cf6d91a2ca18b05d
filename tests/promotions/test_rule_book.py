"""What a team sees of the rules for values: a kept value that hides a change, its own rules, the command."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from partnerapi.componentxml import Document
from partnerapi.records import Component, ComponentMetadata, PackagedComponent
from promotions.messages import message
from promotions.models import DevAccount, Event, Plan, PlannedComponent, RuleOverride
from promotions.plan import classify, team_rules
from promotions.plan.pairs import Pair
from promotions.plan.resolve import Resolved
from promotions.states import Action
from tests.partnerapi.component_samples import component
from tests.promotions import factories
from tests.promotions.pages import signed_in, text

DEV = "aaaaaaaa-1111-4111-8111-111111111111"
PRODUCTION = "bbbbbbbb-2222-4222-8222-222222222222"
PROPERTIES = (
    '<DefinedProcessProperties xmlns=""><definedProcessProperty key="k"><label>Base URL</label><type>string</type>'
    "<defaultValue>https://{}.example.org</defaultValue></definedProcessProperty>"
    '<definedProcessProperty key="l"><label>Batch size</label><type>number</type>'
    "<defaultValue>{}</defaultValue></definedProcessProperty></DefinedProcessProperties>"
)
PLACE = '/object/DefinedProcessProperties/definedProcessProperty[@key="k"]/defaultValue/text()'


def properties(host: str, batch: int = 500) -> Document:
    return Document.parse(component(PROPERTIES.format(host, batch), type="processproperty"))


def drafted(plan: Plan, dev: Document, production: Document) -> classify.Draft:
    """One component of a plan beside its twin, as planning drafts it."""
    metadata = ComponentMetadata(DEV, "Lake settings", "processproperty", 4, "Sales Dev/Lake")
    package = PackagedComponent("p1", "1.0", DEV, "processproperty", 4)
    twin = Component(
        PRODUCTION,
        "Lake settings",
        "processproperty",
        7,
        "Promoted/Lake",
        "main",
        False,
        production,
    )
    resolved = Resolved(package, DEV, {DEV: metadata})
    return classify.draft(plan, resolved, Pair(DEV, dev, twin), {DEV: PRODUCTION})


@pytest.fixture
def plan(sales: DevAccount, alice: User) -> Plan:
    return factories.plan(sales, alice)


# --- A kept value that hides a change ----------------------------------------------------------


def test_a_change_behind_a_kept_value_is_told_by_path(plan: Plan) -> None:
    made = drafted(plan, properties("dev-lake"), properties("lake"))
    assert made.component.action == Action.UNCHANGED
    (finding,) = made.found
    assert (finding.code, finding.path, finding.blocking) == ("CHANGE_HIDDEN", PLACE, False)
    assert "1 value of “Lake settings” changed in dev, production’s is kept." in finding.message
    assert message("CHANGE_HIDDEN").happened
    (place,) = made.component.places
    assert (place["path"], place["outcome"], place["hides_change"]) == (PLACE, "kept", True)
    assert "lake.example.org" not in repr((made.component.places, finding.message))


def test_what_is_the_same_on_both_sides_hides_nothing(plan: Plan) -> None:
    made = drafted(plan, properties("lake"), properties("lake"))
    assert made.component.action == Action.UNCHANGED
    assert made.found == []
    assert "hides_change" not in made.component.places[0]


def test_an_update_tells_what_it_does_not_bring(plan: Plan) -> None:
    made = drafted(plan, properties("dev-lake", 900), properties("lake", 500))
    assert made.component.action == Action.UPDATE
    assert [finding.code for finding in made.found] == ["CHANGE_HIDDEN"]


def test_the_plans_page_says_which_values_changed_and_stay(
    client: Client, alice: User, plan: Plan
) -> None:
    made = drafted(plan, properties("dev-lake"), properties("lake"))
    planned: PlannedComponent = made.component
    planned.plan, planned.position, planned.group = plan, 90, 90
    planned.save()
    for finding in made.found:
        finding.plan = plan
        finding.save()
    page = signed_in(client, alice).get(
        f"{plan.get_absolute_url()}?component={planned.pk}&action=unchanged"
    )
    said = text(page)
    assert PLACE in said
    assert "changed in dev, production’s is kept" in said
    assert "changed in dev, production’s kept" in said
    assert "lake.example.org" not in said


# --- A team's own rules -------------------------------------------------------------------------


@pytest.fixture
def as_bob(client: Client, bob: User) -> Client:
    call_command("setup_roles", verbosity=0)
    return signed_in(client, bob)


def form(**said: str) -> dict[str, str]:
    return {
        "decision": "leave",
        "path": "",
        "name": "",
        "component_type": "",
        "reason": "",
        "is_active": "on",
    } | said


ADD = "admin:promotions_ruleoverride_add"


def test_an_admin_overrides_a_rule_with_a_reason_and_leaves_an_event(
    as_bob: Client, bob: User, plan: Plan
) -> None:
    sent = form(path=PLACE, component_type="processproperty", reason="One lake for everybody.")
    assert as_bob.post(reverse(ADD), sent).status_code == 302
    rule = RuleOverride.objects.get()
    assert rule.reason == "One lake for everybody."
    event = Event.objects.get(action="ruleoverride_added")
    assert event.actor == bob
    assert PLACE in event.note
    assert "One lake for everybody." in event.note
    made = drafted(plan, properties("dev-lake"), properties("lake"))
    assert [(place["outcome"], place["rule"]) for place in made.component.places] == [
        ("left", "team-override")
    ]
    assert made.component.action == Action.UPDATE
    # What was planned by other rules is planned again.
    assert made.component.digest.partition(":")[0] != classify.componentxml.rules_version()


@pytest.mark.parametrize(
    "sent",
    [
        form(path=PLACE),
        form(path=PLACE, reason="   "),
        form(reason="For nothing."),
        form(path=PLACE, name="Base URL", reason="For both."),
        form(path=PLACE, reason="Good.", decision="forget"),
    ],
)
def test_an_override_says_what_and_why(as_bob: Client, sent: dict[str, str]) -> None:
    answer = as_bob.post(reverse(ADD), sent)
    assert answer.status_code == 200
    assert "error" in text(answer).lower()
    assert not RuleOverride.objects.exists()
    assert not Event.objects.filter(action__startswith="ruleoverride").exists()


def test_an_override_that_ends_leaves_an_event_and_holds_no_more(
    as_bob: Client, plan: Plan
) -> None:
    rule = RuleOverride.objects.create(decision="leave", name="Base URL", reason="Once.")
    assert team_rules.active()
    change = reverse("admin:promotions_ruleoverride_change", args=[rule.pk])
    sent = form(name="Base URL", reason="No longer.")
    del sent["is_active"]
    assert as_bob.post(change, sent).status_code == 302
    note = Event.objects.get(action="ruleoverride_changed").note
    assert "Once." in note
    assert "No longer." in note
    assert not team_rules.active()
    made = drafted(plan, properties("dev-lake"), properties("lake"))
    assert [place["outcome"] for place in made.component.places] == ["kept"]


def test_no_override_keeps_a_password(plan: Plan) -> None:
    RuleOverride.objects.create(decision="leave", path="/**", reason="All of it.")
    document = Document.parse(
        component(
            '<field id="x" type="password" value="reed"/><field id="url" value="https://lake.example.org"/>'
        )
    )
    made = classify.symbolic(document, production=None, references={}, environment_values="empty")
    sent = made.document.to_bytes()
    assert b"reed" not in sent
    assert b"https://lake.example.org" in sent


def test_a_contributor_overrides_nothing(client: Client, alice: User) -> None:
    call_command("setup_roles", verbosity=0)
    answer = signed_in(client, alice).post(reverse(ADD), form(path=PLACE, reason="Mine."))
    assert answer.status_code == 302
    assert not RuleOverride.objects.exists()


# --- The command --------------------------------------------------------------------------------


def checked(*arguments: Any) -> tuple[str, int]:
    """What the command prints, and its status."""
    out = StringIO()
    status = 0
    try:
        call_command("check_component", *map(str, arguments), stdout=out)
    except SystemExit as end:
        status = int(str(end.code))
    return out.getvalue(), status


@pytest.mark.django_db
def test_the_command_tells_by_path_and_never_a_value(tmp_path: Path) -> None:
    file = tmp_path / "export.xml"
    body = (
        f'<process><map mapId="{PRODUCTION}"/><field id="url" value="https://lake.example.org"/>'
        '<field id="companyId" type="string" value="LAKE01"/>'
        "<script>def password = 'reed-and-rush'</script></process>"
    )
    file.write_bytes(component(body, type="process"))
    said, status = checked(file)
    assert status == 1
    assert 'emptied  /object/process/field[@id="url"]/@value  network-name' in said
    assert 'left     /object/process/field[@id="companyId"]/@value  operation-parameter' in said
    assert f"reference  /object/process/map/@mapId  {PRODUCTION}" in said
    assert "/object/process/script/text()  assigned-secret: " in said
    assert "Fetch orders (process), rules " in said
    assert not any(word in said for word in ("reed", "lake.example.org", "LAKE01"))


@pytest.mark.django_db
def test_the_command_compares_with_the_twin_and_reads_the_teams_rules(tmp_path: Path) -> None:
    dev, twin = tmp_path / "dev.xml", tmp_path / "twin.xml"
    dev.write_bytes(properties("dev-lake").to_bytes())
    twin.write_bytes(properties("lake").to_bytes())
    said, status = checked(dev, "--production", twin)
    assert status == 0
    assert f"kept     {PLACE}  network-name  changed in dev, production's kept" in said
    RuleOverride.objects.create(decision="leave", name="Base URL", reason="One lake.")
    said, status = checked(dev, "--production", twin)
    assert f"left     {PLACE}  team-override" in said


@pytest.mark.django_db
@pytest.mark.parametrize("content", [None, b"<html/>", b'<!DOCTYPE x [<!ENTITY a "b">]><x/>'])
def test_the_command_says_what_it_cannot_read(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "export.xml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError) as caught:
        call_command("check_component", str(file))
    assert str(caught.value).endswith(".")
