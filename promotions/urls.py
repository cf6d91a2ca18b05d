"""The addresses. One name from here to the view to the template to the test."""

from django.urls import path

from .pages import comments, deployments, history, home, new, plans, promotions, reviews, setup

urlpatterns = [
    path("", home.home, name="home"),
    path("promotions/", promotions.my_promotions, name="my_promotions"),
    path("promotions/new/", new.new_promotion, name="new_promotion"),
    path("promotions/new/<int:account_pk>/", new.choose_package, name="choose_package"),
    path("promotions/new/<int:account_pk>/refresh/", new.refresh_packages, name="refresh_packages"),
    path("plans/", plans.make_plan, name="make_plan"),
    path("plans/<int:pk>/", plans.plan_detail, name="plan_detail"),
    path("plans/<int:pk>/progress/", plans.plan_progress, name="plan_progress"),
    path("plans/<int:pk>/submit/", plans.submit_promotion, name="submit_promotion"),
    path(
        "plans/<int:plan_pk>/components/<int:pk>/difference/",
        plans.component_difference,
        name="component_difference",
    ),
    path(
        "plans/<int:plan_pk>/findings/<int:pk>/change/",
        plans.changed_in_production,
        name="changed_in_production",
    ),
    path(
        "plans/<int:plan_pk>/components/<int:pk>/difference/download/",
        plans.download_difference,
        name="download_difference",
    ),
    path("components/<int:pk>/viewed/", comments.mark_viewed, name="mark_viewed"),
    path("findings/<int:pk>/accept/", plans.accept_finding, name="accept_finding"),
    path("promotions/<int:pk>/", promotions.promotion_detail, name="promotion_detail"),
    path("promotions/<int:pk>/progress/", promotions.promotion_progress, name="promotion_progress"),
    path("promotions/<int:pk>/comment/", comments.comment, name="comment"),
    path("promotions/<int:pk>/withdraw/", promotions.withdraw, name="withdraw"),
    path("promotions/<int:pk>/cancel/", promotions.cancel, name="cancel"),
    path("promotions/<int:pk>/resubmit/", promotions.resubmit, name="resubmit"),
    path("promotions/<int:pk>/retry/", promotions.retry, name="retry"),
    path("promotions/<int:pk>/deploy/", deployments.deploy_further, name="deploy_further"),
    path("promotions/<int:pk>/give-up/", promotions.give_up_rest, name="give_up_rest"),
    path(
        "promotions/<int:pk>/environments/<int:deployment_pk>/drop/",
        promotions.drop_environment,
        name="drop_environment",
    ),
    path("queue/", reviews.review_queue, name="review_queue"),
    path("queue/<int:pk>/", reviews.review, name="review"),
    path("queue/<int:pk>/approve/", reviews.approve, name="approve"),
    path("queue/<int:pk>/approve-as-peer/", reviews.approve_as_peer, name="approve_as_peer"),
    path("queue/<int:pk>/reject/", reviews.reject, name="reject"),
    path("setup/", setup.setup, name="setup"),
    path("platform/ask/", setup.ask_platform, name="ask_platform"),
    path("setup/accounts/", setup.synchronise_accounts, name="synchronise_accounts"),
    path("setup/connection/", setup.connection_check, name="connection_check"),
    path("setup/connection/check/", setup.check_connection, name="check_connection"),
    path("setup/adoption/", setup.adopt, name="adopt"),
    path("setup/adoption/look/", setup.look_for_twins, name="look_for_twins"),
    path("setup/adoption/<int:pk>/", setup.adoption_proposals, name="adoption_proposals"),
    path("setup/adoption/<int:pk>/adopt/", setup.adopt_twins, name="adopt_twins"),
    path("setup/history/", history.history, name="history"),
    path("setup/history/export/", history.export_history, name="export_history"),
]
