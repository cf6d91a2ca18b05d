"""Error code -> what happened and what to do, in sentences for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """What happened, and what the person who reads it can do."""

    happened: str
    to_do: str


class PromotionError(Exception):
    """Something that a person must know, by its code.

    :param code: a key of ``MESSAGES``.
    :param detail: which component, branch or pack it is about; Boomi's own words; never a secret.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


MESSAGES = {
    "AUTH_FAILED": Message(
        "The platform refused the API token.",
        "Check that the user is BOOMI_TOKEN. followed by the e-mail address, that the token belongs to the primary "
        "account and has not been revoked, and that the Partner API is enabled. The call was not repeated.",
    ),
    "FORBIDDEN_ACCOUNT": Message(
        "The token's user may not use this account.",
        "Ask the owner of the account for access, or for the privilege that Boomi's message names.",
    ),
    "ACCOUNT_NOT_FOUND": Message(
        "The platform does not know this account.", "Check the account id in the set-up."
    ),
    "FORBIDDEN": Message("You may not do this.", "Ask an admin of Promotion Desk for access."),
    "COMPONENT_NOT_FOUND": Message(
        "A component of the plan no longer exists.",
        "Look for it in the dev account, then make a new plan.",
    ),
    "PACKAGE_NOT_FOUND": Message(
        "The package is no longer in the dev account.", "Refresh the packages and pick another."
    ),
    "PACKAGE_NOT_SHAREABLE": Message(
        "The package is not marked as shareable.",
        "Create a shareable package in the dev account and promote that one.",
    ),
    "RATE_LIMITED": Message(
        "The platform kept refusing calls because they came too fast.",
        "Try again later, or raise PARTNER_API_SPACING_MS if other tools use the same account.",
    ),
    "API_UNAVAILABLE": Message(
        "The platform did not answer, even after several attempts.",
        "Check the platform's status page and try again later.",
    ),
    "API_ERROR": Message("The platform refused a call.", "Read Boomi's message below."),
    "BAD_REQUEST": Message("The platform refused a call.", "Read Boomi's message below."),
    "NOT_FOUND": Message(
        "The platform could not find what a call asked for.",
        "Read Boomi's message below, then make a new plan.",
    ),
    "BAD_RESPONSE": Message(
        "The platform's answer does not match its description of the API.",
        "Try again; if it keeps happening, check the address of the API and any proxy in between.",
    ),
    "TOO_MANY_COMPONENTS": Message(
        "The package uses more components than a plan may hold.",
        "Package a smaller process, or raise PROMOTION_MAX_COMPONENTS.",
    ),
    "ONE_PROCESS_TWICE": Message(
        "Two of these packages are of one process.",
        "Choose one package of each process: production has only one version of it.",
    ),
    "TOO_MANY_PACKAGES": Message(
        "These are more packages than one promotion may bring.", "Choose fewer of them."
    ),
    "VERSIONS_DIFFER": Message(
        "The packages hold this component in different versions.",
        "Package again what holds the older version, or promote the packages one after the other.",
    ),
    "VERSION_MISSING": Message(
        "A package has no version for production.", "Say which version each package gets."
    ),
    "COMPONENT_TOO_LARGE": Message(
        "A component is larger than a promotion may carry.",
        "Make it smaller, or raise PROMOTION_MAX_COMPONENT_BYTES.",
    ),
    "UNSAFE_XML": Message(
        "A component's XML contains something that is never accepted: a DTD, an entity or one of our own marks.",
        "Look at the component in the dev account; a promotion never carries such XML.",
    ),
    "CONTENT_UNREADABLE": Message(
        "Stored content of a component cannot be decrypted: no key in CONTENT_KEYS fits.",
        "Put the key it was written with back into CONTENT_KEYS, after the newer ones.",
    ),
    "MISSING_CONNECTION_MAPPINGS": Message(
        "Some connections of the package have no production twin.",
        "Set each of them up once in the primary account and have an admin map it.",
    ),
    "UNRESOLVED_REFERENCES": Message(
        "The package refers to components that cannot be found.",
        "Fix the references in the dev account and package it again.",
    ),
    "SECRET_LEFT_BEHIND": Message(
        "A value that looks like a secret would travel to production.",
        "Remove it from the component, or have an admin accept it with a reason.",
    ),
    "SECRET_SET_IN_PRODUCTION": Message(
        "The production twin has a secret set, and an update might touch it.",
        "Have an admin accept it with a reason, and check the secret after the deployment.",
    ),
    "TWIN_IN_PRODUCTION": Message(
        "Production already has a component like this one, and it is not mapped.",
        "Have an admin map it, so that it is updated, or accept that a second one is created.",
    ),
    "TWO_WRITERS": Message(
        "Two components of this dev account share one production twin.",
        "Have an admin correct the mappings: each of the two would overwrite what the other brings.",
    ),
    "MAPPING_OF_ANOTHER_KIND": Message(
        "A component is mapped to a production component of another kind.",
        "Have an admin map it to a twin of the same type and connector.",
    ),
    "MISSING_MAPPINGS": Message(
        "A part that is never copied has no production twin.",
        "Certificates, PGP keys and custom libraries are never copied: set this one up once in the primary account "
        "and have an admin map it.",
    ),
    "CONNECTOR_OF_ACCOUNT": Message(
        "A custom connector belongs to the dev account.",
        "Use a connector that the primary account also has, or have an admin accept this one if it is shared.",
    ),
    "CHANGED_IN_PRODUCTION": Message(
        "Production has changed since the last promotion, and this one would undo the change.",
        "Bring the change into the dev account and package it again, or have an admin accept that it is lost.",
    ),
    "DOWNGRADE": Message(
        "Production has something newer than this package.",
        "Pick the newer package, or have an admin accept the step back.",
    ),
    "TWIN_DELETED": Message(
        "The production twin no longer exists.",
        "Restore it in the primary account, or have an admin remove the mapping.",
    ),
    "COMPONENT_RESERVED": Message(
        "Another open promotion is bringing this component.",
        "Wait until that promotion is decided, then make a new plan.",
    ),
    "PACKAGE_OLDER": Message(
        "A component is newer than the package.",
        "Only the current version of a component can be read: test that version, package the process again and "
        "promote the new package, or have an admin accept what has changed.",
    ),
    "CHANGE_HIDDEN": Message(
        "A value was changed in dev, but production keeps its own.",
        "Change it in production as well if it is meant to differ there, or have an admin override the rule.",
    ),
    "MAPPING_AMBIGUOUS": Message(
        "Two mappings of one component id differ only in spelling and lead to different twins.",
        "Have an admin remove one of the two mappings, then make a new plan.",
    ),
    "REWRITTEN_IN_DATA": Message(
        "A known component id appears in a script or in data and is rewritten there.",
        "Look at the difference before you approve.",
    ),
    "NOT_FOR_PACKS": Message(
        "No Integration Pack can hold this.",
        "Deploy process routes, processes that contain one, certificates and custom libraries by hand on the "
        "platform.",
    ),
    "NOT_PACKAGED_ALONG": Message(
        "A part of the promotion is not in the package of the process.",
        "After the promotion, package and deploy this part separately on the platform.",
    ),
    "LISTENER_STARTS": Message(
        "A listener starts with the deployment.",
        "Make sure that nothing else listens in its place, or choose to deploy it paused when you request the "
        "promotion.",
    ),
    "IN_PACKS": Message(
        "An Integration Pack already holds this process.",
        "Release it in the same pack again: anyone who has installed two packs with it runs it twice.",
    ),
    "USED_BY_OTHERS": Message(
        "Other production processes use what this promotion updates.",
        "They change only when they are packaged again; tell the people who maintain them.",
    ),
    "ELEMENT_RETYPED": Message(
        "An element of a profile changes its data type.",
        "The platform refuses some of these changes when the profile is written, before anything reaches production. "
        "If it does, add an element of the new type instead, and check the maps that use the old one.",
    ),
    "VALUES_WOULD_BE_EMPTIED": Message(
        "The update would clear values that are set in production.",
        "Set ENVIRONMENT_VALUES=keep and make a new plan, or have an admin accept it and fill in the values "
        "afterwards.",
    ),
    "PACK_EXISTS": Message(
        "An Integration Pack of that name already exists.",
        "Choose it from the list if it is for production, or give the new pack another name.",
    ),
    "OTHER_PACK": Message(
        "Another Integration Pack already holds this process.",
        "Choose that pack, or confirm that both should hold it: anyone who has installed both runs it twice.",
    ),
    "PACK_FULL": Message(
        "The Integration Pack already holds as many packages as it can.",
        "Nothing reached production. Promote again into another pack.",
    ),
    "PACK_PENDING": Message(
        "The Integration Pack has an update that somebody else has not released yet.",
        "Nothing reached production. Release that update or take it back on the platform, then promote again.",
    ),
    "FOLDER_IGNORED": Message(
        "The platform created a component in a different folder from the one it was given.",
        "Nothing reached production. Check whether the token's user may write to that folder, then promote again.",
    ),
    "NOTHING_TO_PROMOTE": Message(
        "There is nothing to promote.",
        "Change something in the dev account and package it, or pick another package.",
    ),
    "NEWER_IS_DEPLOYED": Message(
        "An environment already has a newer version of the process.",
        "Leave that environment out, or roll the process back.",
    ),
    "NOT_DEPLOYED": Message(
        "Only what has been deployed can be deployed to further environments.",
        "Wait until the promotion is deployed, or promote the package again.",
    ),
    "DEPLOYED_ALREADY": Message(
        "The package is already in this environment, or on its way there.",
        "Choose environments that do not have it.",
    ),
    "MAPPING_REFUSED": Message(
        "This mapping is not possible.", "Read why, then pick another production component."
    ),
    "CONTENT_NOT_KEPT": Message(
        "The content to restore is no longer kept, or never was.",
        "Choose a newer version, or promote the one you want from the dev account. KEEP_VERSIONS sets how many are "
        "kept.",
    ),
    "BUILT_UPON": Message(
        "Later promotions build on what the rollback would undo.",
        "Promote a version that suits them all, or look at those promotions first.",
    ),
    "CREATED_STAYS": Message(
        "A component that was created since then stays in production.",
        "Nothing uses it after the rollback; remove it by hand if it is not wanted.",
    ),
    "VALUES_NOT_RESTORED": Message(
        "Environment values that production no longer has cannot be restored: they are not kept.",
        "Fill them in after the rollback.",
    ),
    "NO_ENVIRONMENT": Message(
        "No environment was chosen to deploy to.",
        "Choose at least one; an admin adds environments in the admin pages.",
    ),
    "PLAN_NOT_READY": Message("The plan is not ready.", "Wait until it is, or make a new one."),
    "PLAN_STALE": Message(
        "Something has changed since the plan was made.",
        "Make a new plan from the same package and submit that.",
    ),
    "DIFFERENCE_NOT_READ": Message(
        "You have not opened the whole difference: it is longer than what is shown at first.",
        "Open every part of it, or download it, then approve.",
    ),
    "SELF_REVIEW": Message(
        "Nobody may approve or reject their own promotion, or accept one of its findings.",
        "Ask another admin to decide.",
    ),
    "NOT_A_REVIEWER": Message(
        "A review policy leaves you out of the decision on this promotion.",
        "Somebody else decides. An admin changes review policies in the admin pages.",
    ),
    "PEERS_MISSING": Message(
        "Not all the peers that the review policies ask for have approved.",
        "Wait for them: the review page says who is needed.",
    ),
    "NOT_NEEDED": Message("Enough peers have already approved.", "Your click changed nothing."),
    "COUNTED_ALREADY": Message(
        "You have already approved this, and each person counts once.",
        "Somebody else has to approve: the review page says who is needed.",
    ),
    "PROVIDER_AWAY": Message(
        "The identity provider is not answering.",
        "Try again in a few minutes. If it stays unavailable, tell whoever looks after your single sign-on.",
    ),
    "SIGN_IN_DENIED": Message(
        "The identity provider did not let you in.",
        "Ask whoever looks after your single sign-on to give you access to Promotion Desk.",
    ),
    "SIGN_IN_EXPIRED": Message(
        "This sign-in was started too long ago, or in another browser.", "Start again."
    ),
    "SIGN_IN_INVALID": Message(
        "What the identity provider sent cannot be trusted.",
        "Start again. If it happens twice, tell the people who run Promotion Desk: its log says what was wrong.",
    ),
    "SIGN_IN_STALE": Message(
        "Your sign-in at the identity provider is older than Promotion Desk accepts.",
        "Sign out there, then sign in again.",
    ),
    "SIGN_IN_OTHER": Message(
        "You are signed in at the identity provider as somebody else, or your account is not linked to it.",
        "Sign out here first, or ask an admin to link your account.",
    ),
    "ACCOUNT_OFF": Message(
        "Your account is switched off here.", "Ask an admin of Promotion Desk to switch it on."
    ),
    "ACCOUNT_EXISTS": Message(
        "An account with your name already exists and is not linked to your sign-in.",
        "If that account is yours, ask whoever looks after the accounts of Promotion Desk to add an identity with "
        "this subject to it.",
    ),
    "GROUPS_NOT_TOLD": Message(
        "The identity provider does not send your groups, because there are too many of them.",
        "Ask whoever looks after your single sign-on to send only the groups that are assigned to Promotion Desk.",
    ),
    "ALREADY_REVIEWED": Message(
        "Somebody else has already decided.", "Your click changed nothing."
    ),
    "INVALID_TRANSITION": Message(
        "The promotion's current status does not allow this.", "Check where it stands now."
    ),
    "REASON_REQUIRED": Message("A reason is required.", "Say why, in a sentence."),
    "COMMENT_EMPTY": Message("The comment is empty.", "Write a sentence, then send it."),
    "COMMENT_TOO_LONG": Message(
        "The comment is longer than 10,000 characters.", "Use fewer words, or write two comments."
    ),
    "COMMENT_MISPLACED": Message(
        "The comment is about something that no longer exists.",
        "Reload the page and comment on what it shows.",
    ),
    "BRANCH_GONE": Message(
        "Somebody deleted the branch of this promotion on the platform several times.",
        "Nothing reached production. Find out who deletes branches whose names begin with “promo-”, then request it "
        "again.",
    ),
    "BRANCH_CREATION_TIMEOUT": Message(
        "The branch did not become ready in time.", "Try again later; the branch has been deleted."
    ),
    "BRANCH_LIMIT_REACHED": Message(
        "The account has no branch left.",
        "Delete branches that nobody needs, or lower PROMOTION_BRANCH_LIMIT.",
    ),
    "BRANCHING_NOT_ENABLED": Message(
        "Branching is not enabled on the primary account.",
        "Ask Boomi to enable it; without branches nothing can be promoted safely.",
    ),
    "BRANCH_IGNORED": Message(
        "The platform wrote to main although a branch was named.",
        "Branching is not enabled on the primary account. Undo the version that Boomi's revision history shows, and "
        "ask Boomi to enable branching.",
    ),
    "PROMOTION_FAILED": Message(
        "A component could not be written to the branch.",
        "Nothing reached production. Read the component's error, fix it, and promote again.",
    ),
    "MERGE_CONFLICT": Message(
        "The platform reports a merge conflict.",
        "Find out who changed the components in production, then make a new plan.",
    ),
    "APPROVAL_MISSING": Message(
        "There is no approval for exactly this content, these environments and this pack.",
        "Nothing is merged without one. Promote again, and have an admin decide.",
    ),
    "APPROVAL_LAPSED": Message(
        "The approval is no longer valid, so the promotion is back in review.",
        "An admin reviews it again and decides; an approval lasts PROMOTION_APPROVAL_DAYS.",
    ),
    "SWITCHED_OFF": Message(
        "Somebody or something that this promotion needs was switched off after it was requested.",
        "Nothing more happens in production. Switch it back on, or promote again without it.",
    ),
    "RULES_CHANGED": Message(
        "The set-up has changed since this was requested, so it cannot continue under the rules it was requested "
        "under.",
        "Request it again, or have an admin restore the old setting and retry.",
    ),
    "MERGE_DIFFERS": Message(
        "The merge would not bring everything that was approved to production.",
        "Nothing reached production. Check in the primary account who changed the merge request, then promote again.",
    ),
    "MERGE_INCOMPLETE": Message(
        "The platform merged but left components out: production holds only a part of what was approved.",
        "An admin checks them in the primary account, then either retries, which merges the rest from the same "
        "branch, or gives up the rest. Nothing is packaged or deployed before that.",
    ),
    "MERGE_FAILED": Message(
        "The platform could not merge the branch.",
        "Nothing was deployed. Read Boomi's message, then promote again.",
    ),
    "MERGE_TIMEOUT": Message(
        "The merge did not finish in time.",
        "Look at the merge request in the primary account. If it ends as merged, that is recorded here automatically.",
    ),
    "COMPONENT_LOCKED": Message(
        "A component is open in somebody's editor on the platform.",
        "Ask that person to close it, then promote again.",
    ),
    "CHANGED_MEANWHILE": Message(
        "Somebody else changed a component while it was being written.",
        "Look at the component on the platform, then make a new plan.",
    ),
    "DATA_TYPE_CHANGED": Message(
        "The platform does not allow an element that is in use to change its data type.",
        "Undo that change in the dev account or free the element in production, then package and promote again.",
    ),
    "IMMATERIAL_UPDATE": Message(
        "The platform refused an update that changes nothing.", "Make a new plan."
    ),
    "ALREADY_EXISTS": Message("The platform says that it already exists.", "Choose another name."),
    "ALREADY_GONE": Message("It has already been deleted.", "Make a new plan."),
    "PRODUCTION_CHANGED": Message(
        "Somebody changed production between the merge and the packaging.",
        "Look at the named components on the platform. Restore them there, or leave them as they are now to have them"
        " packaged like that; then retry.",
    ),
    "PACKAGE_VERSION_EXISTS": Message(
        "This package version is taken in production.", "Choose another version."
    ),
    "PACK_NOT_FOUND": Message(
        "The Integration Pack no longer exists.", "Choose another pack and retry."
    ),
    "RELEASE_FAILED": Message(
        "The Integration Pack could not be released.",
        "Read Boomi's message, then retry: the promotion continues from this step.",
    ),
    "RELEASE_TIMEOUT": Message(
        "The Integration Pack is still being released.",
        "Look at the release in Boomi, then retry to keep waiting for it.",
    ),
    "DEPLOY_FAILED": Message(
        "The release could not be deployed to every environment.",
        "Read Boomi's message, then retry: only the environments that failed are tried again. One that no longer "
        "exists can be left out.",
    ),
    "OUTBOUND_REFUSED": Message(
        "Promotion Desk does not send anything to this address.",
        "Give an https address on the internet, or ask whoever runs Promotion Desk to allow its network in "
        "OUTBOUND_PRIVATE_NETWORKS.",
    ),
    "OUTBOUND_GONE": Message(
        "The receiver says that this address is no longer in use.",
        "Enter its new address or delete the channel in Set-up → Messages; nothing is sent to it again by itself.",
    ),
    "OUTBOUND_FAILED": Message(
        "The receiver did not accept the message.",
        "Check that the address is right and the receiver is up; the message is sent again automatically.",
    ),
    "WORKER_LOST": Message(
        "The worker died several times while it worked on this.",
        "Check the workers' logs, then promote again.",
    ),
    "INTERNAL_ERROR": Message(
        "Something went wrong in Promotion Desk itself.",
        "Tell the people who run it; the workers' log has the details.",
    ),
}


def message(code: str) -> Message:
    """The sentences for a code; an unknown code is shown as it is."""
    return MESSAGES.get(code, Message(f"Something went wrong ({code}).", "Ask an admin."))


def sentence(code: str, detail: str = "") -> str:
    """What happened, the detail, and what to do, in one line."""
    told = message(code)
    return " ".join(part for part in (told.happened, detail, told.to_do) if part)
