"""A plan on the command line: what a promotion would do. Nothing is changed anywhere, and nothing is kept."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from ...messages import sentence
from ...models import DevAccount, Plan
from ...plan import build_plan

READY, FAILED, NOTHING_TO_DO, BLOCKED = 0, 1, 3, 4
PLANNER = "plan_promotion"


class Command(BaseCommand):
    help = (
        "Plans the promotion of a package and prints what it would do: a dry run. The status is 0 when it is ready to "
        f"be requested, {NOTHING_TO_DO} when there is nothing to do, {BLOCKED} when findings block it, {FAILED} when "
        "it could not be planned."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="the dev account, by its id or its name")
        parser.add_argument(
            "package",
            nargs="+",
            help="the id of the package; several that are promoted together make one plan",
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of sentences")

    def handle(self, *args: Any, **options: Any) -> None:
        account = self._account(options["account"])
        # Nobody signs in as this user: it stands for whoever may run commands here.
        planner, is_new = User.objects.get_or_create(
            username=PLANNER, defaults={"is_active": False}
        )
        if is_new:
            planner.set_unusable_password()
            planner.save()
        first, *further = dict.fromkeys(options["package"])
        with transaction.atomic():
            plan = Plan.objects.create(
                dev_account=account,
                package_id=first,
                requested_by=planner,
                next_attempt_at=timezone.now(),
            )
            for package_id in further:
                plan.further.create(package_id=package_id)
        try:
            plan = self._made(plan)
            told = self._told(plan)
        finally:
            Plan.objects.filter(pk=plan.pk).delete()
        if options["json"]:
            self.stdout.write(json.dumps(told, indent=2))
        else:
            self._print(told)
        if told["status"]:
            sys.exit(told["status"])

    def _account(self, named: str) -> DevAccount:
        accounts = DevAccount.objects.filter(is_active=True)
        found = accounts.filter(account_id=named).first() or accounts.filter(name=named).first()
        if found is None:
            raise CommandError(f"There is no active dev account “{named}” here.")
        return found

    def _made(self, plan: Plan) -> Plan:
        """The plan when it has ended; where a worker has taken it up, that one makes it."""
        while True:
            build_plan(plan.pk)
            plan = Plan.objects.select_related("dev_account").get(pk=plan.pk)
            if plan.state != Plan.State.BUILDING:
                return plan
            time.sleep(0.5)

    def _told(self, plan: Plan) -> dict[str, Any]:
        findings = [
            {
                "code": finding.code,
                "blocking": finding.blocking and finding.accepted_by_id is None,
                "subject": finding.subject_name,
                "path": finding.path,
                "message": finding.message,
            }
            for finding in plan.findings.all()
        ]
        if plan.state == Plan.State.FAILED:
            status, outcome = FAILED, sentence(plan.error_code, plan.error)
        elif plan.is_cancelled:
            status, outcome = FAILED, "The plan was cancelled before it was made."
        elif any(finding["blocking"] for finding in findings):
            status, outcome = BLOCKED, "Blocked: findings have to be settled first."
        elif not plan.has_changes:
            status, outcome = NOTHING_TO_DO, plan.why_nothing
        else:
            status, outcome = READY, "Ready to be requested."
        return {
            "status": status,
            "outcome": outcome,
            "account": plan.dev_account.account_id,
            "package": {"id": plan.package_id, "version": plan.package_version},
            "packages": [
                {"id": one.package_id, "version": one.package_version, "process": one.root_name}
                for one in plan.packages
            ],
            "process": plan.called,
            "sentences": plan.sentences,
            "components": [
                {
                    "name": component.name,
                    "type": component.component_type,
                    "action": component.action,
                    "dev_version": component.dev_version,
                    "production_id": component.prod_component_id,
                    "production_version": component.prod_version,
                    "change": component.sentence,
                }
                for component in plan.components.all()
            ],
            "findings": findings,
        }

    def _print(self, told: dict[str, Any]) -> None:
        versions = ", ".join(dict.fromkeys(one["version"] for one in told["packages"]))
        self.stdout.write(f"{told['process']} {versions}".strip())
        for line in told["sentences"]:
            self.stdout.write(f"  {line}")
        for component in told["components"]:
            change = f": {component['change']}" if component["change"] else ""
            self.stdout.write(f"  {component['action']:<10} {component['name']}{change}")
        for finding in told["findings"]:
            mark = "blocking" if finding["blocking"] else "to know"
            self.stdout.write(f"  {mark:<10} {finding['code']}: {finding['message']}")
        self.stdout.write(told["outcome"])
