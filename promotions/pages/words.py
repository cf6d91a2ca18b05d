"""How the pages name people and events."""

from __future__ import annotations

import re
import unicodedata

from django.contrib.auth.models import User

# What an event says after the name of the person (or of Promotion Desk itself).
EVENT_WORDS = {
    "submitted": "requested the promotion",
    "deployment_requested": "requested the deployment",
    "rollback_requested": "requested the rollback",
    "admin_asked": "asked the admins:",
    "ask_done": "did as asked:",
    "ask_declined": "declined what was asked:",
    "restored": "restored it by",
    "taken_back": "took it back by",
    "queued": "put it back in line",
    "waiting": "had it wait for a branch",
    "staging": "began to copy the components to a branch",
    "admin_review": "put it into the admins' queue",
    "approved": "approved it",
    "approval_lapsed": "put it back into the admins' queue: the approval is no longer valid",
    "deploying": "began to merge",
    "deployed": "deployed it",
    "approved_as_peer": "approved it as a peer",
    "other_pack_accepted": "accepted that it goes into another Integration Pack than the one that holds the process",
    "approved_as_admin": "approved it as the first of two admins",
    "rejected": "rejected it",
    "withdrawn": "withdrew it",
    "cancelled": "cancelled it",
    "lapsed": "closed it: nobody decided in time",
    "failed": "could not continue",
    "merged": "merged it into main",
    "mapping_added": "mapped",
    "mapping_replaced": "replaced a mapping that was made during the merge, of",
    "staged_again": "put it back in line, to be staged again",
    "platform_asked_again": "had the platform asked again",
    "platform_away": "waits for the platform",
    "platform_back": "found that the platform answers again",
    "channel_added": "added the channel",
    "channel_changed": "changed the channel",
    "channel_deleted": "deleted the channel",
    "message_tested": "sent a test message to",
    "branch_vanished": "no longer found the branch, which somebody had deleted:",
    "branch_never_made": "found that no branch had been made under the name",
    "branch_deleted": "deleted the branch",
    "retried": "resumed it at the step that failed",
    "rest_given_up": "gave up what the merge had left out",
    "environment_dropped": "left out the environment",
    "finding_accepted": "accepted a finding",
    "commented": "commented on",
    "noted": "left a note among reviewers on",
    "signed_in": "signed in",
    "signed_out": "signed out",
    "sign_in_refused": "refused a sign-in of",
    "identity_added": "signed in for the first time as",
    "mapping_adopted": "adopted the twin of",
    "drift_found": "found changed in production by hand:",
    "stray_branch_deleted": "deleted a branch that has no owner:",
    "sign_in_failed": "refused a sign-in of",
    "person_added": "added a person",
    "person_deleted": "deleted",
    "person_switched_on": "switched a person on",
    "person_switched_off": "switched a person off",
    "person_groups_changed": "changed the groups of a person",
    "person_permissions_changed": "changed the permissions of a person",
    "password_changed": "changed a password",
    "staff_given": "let a person into the admin pages",
    "staff_taken": "took a person out of the admin pages",
    "superuser_given": "made a person superuser",
    "superuser_taken": "took a person's superuser rights",
    "group_added": "added",
    "group_renamed": "renamed",
    "group_deleted": "deleted",
    "group_permissions_changed": "changed the permissions of",
    "history_exported": "exported the history as",
    "task_done": "ticked off",
    "task_reopened": "reopened",
    "access_refused": "was refused",
    "self_review_refused": "tried to decide on their own promotion and was refused",
}


COMPONENT_TYPES = {
    "certificate.pgp": "PGP certificate",
    "connector-action": "connector operation",
    "connector-settings": "connection",
    "crossref": "cross reference table",
    "customlibrary": "custom library",
    "documentcache": "document cache",
    "flowservice": "flow service",
    "processproperty": "process property",
    "processroute": "process route",
    "profile.db": "database profile",
    "profile.edi": "EDI profile",
    "profile.flatfile": "flat file profile",
    "profile.json": "JSON profile",
    "profile.xml": "XML profile",
    "script.mapping": "map script",
    "script.processing": "process script",
    "transform.function": "map function",
    "transform.map": "map",
    "webservice": "API service",
    "webservice.external": "API proxy",
    "xslt": "XSLT stylesheet",
}


def types_of(component_type: str) -> str:
    """A component type in the words of the Boomi editor; an unknown type almost as it is."""
    known = COMPONENT_TYPES.get(component_type)
    return known or component_type.replace("-", " ").replace(".", " ")


# Rows that admins edit in the admin pages: each change of one is an event such as "devaccount_changed".
EDITED = (
    "componentmapping",
    "deputy",
    "devaccount",
    "devaccountaccess",
    "environment",
    "identity",
    "integrationpack",
    "reviewpolicy",
    "ruleoverride",
)
CHANGES = ("added", "changed", "deleted")


def event_kinds() -> list[str]:
    """Every action that an event can have."""
    return sorted({*EVENT_WORDS, *(f"{model}_{change}" for model in EDITED for change in CHANGES)})


def person(user: User | None) -> str:
    """How the pages name people."""
    if user is None:
        return "Promotion Desk"
    return user.get_full_name() or user.username


def event_words(action: str) -> str:
    """An event's action in words; an unknown one is shown as it is."""
    if action in EVENT_WORDS:
        return EVENT_WORDS[action]
    model, _, change = action.rpartition("_")
    # What was edited says the subject.
    return change if model in EDITED and change in CHANGES else action.replace("_", " ")


# Letters by their category that no font draws: fillers, joiners and variation selectors.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef"
_MAYBE_UNSEEN = re.compile(f"[^\\n\\t\\x20-\\x7e\\xa1-\\xac\\xae-\u033f]|[{_BLANK}]")
_BLANK_LETTER = re.compile(f"[{_BLANK}]")


def visible(text: str) -> str:
    """The text with every character spelled out that is invisible or reverses others: ``<U+202E>``."""
    return _MAYBE_UNSEEN.sub(lambda found: spelled_out(found[0]), text)


def spelled_out(character: str) -> str:
    """``<U+202E>`` for a control, format or blank character, anything else as it is."""
    unseen = unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
    if unseen or _BLANK_LETTER.match(character):
        return f"<U+{ord(character):04X}>"
    return character
