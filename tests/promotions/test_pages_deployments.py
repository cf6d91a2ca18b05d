"""Deploying further, as people ask for it and decide on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from promotions import services
from promotions.messages import PromotionError
from promotions.models import Deployment, DevAccount, Environment, Plan, PromotionRequest
from promotions.pages.status import explain
from promotions.states import Kind, Status
from tests.promotions import factories
from tests.promotions.pages import document, fields, links, signed_in, text


@pytest.fixture
def source(sales: DevAccount, alice: User, bob: User) -> PromotionRequest:
    factories.environment("Production EU")
    return factories.deployed(
        factories.plan(sales, alice),
        alice,
        bob,
        pack=factories.pack(),
        prod_package_id="prod-package-1",
    )


def test_a_deployed_promotion_leads_to_the_form(
    client: Client, alice: User, source: PromotionRequest
) -> None:
    further = reverse("deploy_further", args=[source.pk])
    page = signed_in(client, alice).get(source.get_absolute_url())
    assert further in links(page)
    us = factories.environment("Production US")
    form = client.get(further)
    assert "Production EU 1." in text(form)
    boxes = document(form).xpath("//input[@name='environments']/@value")
    assert boxes == [str(us.pk)]


def test_a_request_is_made_and_named_everywhere(
    client: Client, alice: User, dora: User, source: PromotionRequest
) -> None:
    us = factories.environment("Production US")
    answer = signed_in(client, alice).post(
        reverse("deploy_further", args=[source.pk]),
        {"environments": [us.pk], "notes": "US season"},
        follow=True,
    )
    assert "The deployment has been requested." in text(answer)
    deployment = PromotionRequest.objects.get(kind=Kind.DEPLOYMENT)
    assert f"Deployment {deployment.pk} of promotion {source.pk}" in text(answer)
    assert f"#{deployment.pk} · deployment" in text(client.get(reverse("my_promotions")))
    signed_in(client, dora)
    assert f"#{deployment.pk} · deployment" in text(client.get(reverse("review_queue")))
    review = client.get(reverse("review", args=[deployment.pk]))
    assert f"Production US {us.environment_id}" in text(review)
    assert "What is deployed where Production EU" in text(review)
    confirmation = client.post(
        reverse("approve", args=[deployment.pk]),
        {"plan_hash": deployment.content_hash, "pack": source.pack_id},
    )
    assert "Nothing is merged, packaged or released." in text(confirmation)
    [confirmed] = fields(confirmation, "confirmed_hash")
    client.post(
        reverse("approve", args=[deployment.pk]),
        {
            "plan_hash": deployment.content_hash,
            "pack": source.pack_id,
            "confirmed_hash": confirmed,
        },
    )
    deployment.refresh_from_db()
    assert (deployment.status, deployment.approved_by) == (Status.APPROVED, dora)


def test_nothing_is_left_where_every_environment_has_it(
    client: Client, alice: User, source: PromotionRequest
) -> None:
    form = signed_in(client, alice).get(reverse("deploy_further", args=[source.pk]))
    assert "Nowhere left to go" in text(form)
    answer = client.post(reverse("deploy_further", args=[source.pk]), {})
    assert not PromotionRequest.objects.filter(kind=Kind.DEPLOYMENT).exists()
    assert answer.status_code == 200


def test_strangers_do_not_find_it(client: Client, charlie: User, source: PromotionRequest) -> None:
    answer = signed_in(client, charlie).get(reverse("deploy_further", args=[source.pk]))
    assert answer.status_code == 404


@pytest.fixture
def newer(source: PromotionRequest, alice: User, bob: User) -> PromotionRequest:
    """Another promotion of the same process, merged since."""
    plan = factories.plan(
        source.dev_account, alice, root_component_id=source.plan.root_component_id
    )
    later = source.merged_at + timedelta(seconds=5) if source.merged_at else None
    made = factories.deployed(plan, alice, bob, process_id=source.process_id)
    PromotionRequest.objects.filter(pk=made.pk).update(merged_at=later)
    return made


def test_a_former_promotion_can_be_rolled_back_to(
    client: Client, alice: User, source: PromotionRequest, newer: PromotionRequest
) -> None:
    address = reverse("plan_rollback", args=[source.pk])
    signed_in(client, alice)
    assert address in links(client.get(source.get_absolute_url()))
    assert reverse("plan_rollback", args=[newer.pk]) not in links(
        client.get(newer.get_absolute_url())
    )
    answer = client.post(address)
    plan = Plan.objects.get(restores=source)
    assert answer.headers["Location"] == plan.get_absolute_url()
    assert f"to roll back to promotion {source.pk}" in text(client.get(plan.get_absolute_url()))


def test_a_rollback_asks_for_a_version_and_a_reason(
    client: Client, alice: User, dora: User, source: PromotionRequest, newer: PromotionRequest
) -> None:
    plan = factories.rollback_plan(source, alice)
    page = signed_in(client, alice).get(plan.get_absolute_url())
    assert fields(page, "package_version") == [f"{source.package_version}-restored-1"]
    assert "Why roll it back?" in text(page)
    target = Environment.objects.get()
    sent = {"package_version": "1.0-restored-1", "environments": [target.pk], "notes": ""}
    answer = client.post(reverse("submit_promotion", args=[plan.pk]), sent)
    assert "Say why, in a sentence." in text(answer)
    factories.map_components(plan)
    answer = client.post(
        reverse("submit_promotion", args=[plan.pk]), sent | {"notes": "It loses orders."}
    )
    rollback = PromotionRequest.objects.get(kind=Kind.ROLLBACK)
    assert rollback.source == source
    PromotionRequest.objects.filter(pk=rollback.pk).update(status=Status.ADMIN_REVIEW)
    review = signed_in(client, dora).get(reverse("review", args=[rollback.pk]))
    assert f"Rollback {rollback.pk} to what promotion {source.pk} has brought" in text(review)
    assert f"Restores {source.package_version}, promotion {source.pk}." in text(review)
    assert "It loses orders." in text(review)


def test_what_nothing_came_after_is_not_rolled_back_to(
    client: Client, alice: User, charlie: User, source: PromotionRequest
) -> None:
    address = reverse("plan_rollback", args=[source.pk])
    answer = signed_in(client, alice).post(address, follow=True)
    assert "Nothing has been promoted since." in text(answer)
    assert signed_in(client, charlie).post(address).status_code == 404
    assert not Plan.objects.filter(restores=source).exists()


def test_nothing_older_is_deployed_over_what_is_newer(
    alice: User, dora: User, source: PromotionRequest, newer: PromotionRequest
) -> None:
    us = factories.environment("Production US")
    assert services.further_environments(source) == [us]
    deployment = services.request_deployment(alice, source, environments=[us])
    Deployment.objects.create(
        promotion=newer,
        environment=us,
        platform_id=us.environment_id,
        deployed_at=timezone.now(),
    )
    # It came there while the request waited.
    with pytest.raises(PromotionError, match="NEWER_IS_DEPLOYED") as refused:
        services.approve(dora, deployment, plan_hash=deployment.content_hash, pack=source.pack)
    assert f"“Production US” has {newer.package_version}" in refused.value.detail
    services.withdraw(alice, deployment)
    assert services.further_environments(source) == []
    with pytest.raises(PromotionError, match="NEWER_IS_DEPLOYED"):
        services.request_deployment(alice, source, environments=[us])


def test_one_that_ended_half_way_says_where_it_got_to(
    alice: User, source: PromotionRequest
) -> None:
    us = factories.environment("Production US")
    withdrawn = factories.deployment(source, alice, us, status=Status.WITHDRAWN)
    assert "nothing was deployed" in explain(withdrawn).now
    withdrawn.deployments.update(deployed_at=timezone.now())
    assert "nothing was deployed" not in explain(withdrawn).now
    assert "it had already been deployed to Production US" in explain(withdrawn).now
