"""Messages: where they go, for admins; and how people want to receive them."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from ..messages import PromotionError
from ..models import NAME, Channel, Delivery, MessageKind, MessagePreference
from ..outbox.audience import kinds_for
from ..outbox.delivery import log, preference_of
from ..outbox.transports import mail_is_set_up
from ..services import channels as services
from ..services.setup import check_admin
from .common import (
    UserRequest,
    back_to,
    fingerprint,
    forbid,
    is_seen,
    nobody_works,
    not_changed,
    poll_every,
    post_only,
    refusal,
    role_required,
    uses_password,
)

State = Delivery.State
# As the set-up pages mark their lines.
MARKS = {State.SENT: "ok", State.FAILED: "fail", State.WAITING: "warn", State.DROPPED: "skipped"}


class ChannelForm(forms.Form):
    """A channel. The address is never shown again, so an empty one keeps the stored one."""

    name = forms.CharField(max_length=NAME)
    kind = forms.ChoiceField(choices=Channel.Kind.choices)
    url = forms.CharField(
        label="Address",
        max_length=2000,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Of the incoming webhook or workflow. It is kept encrypted and never shown again.",
    )
    told = forms.MultipleChoiceField(
        label="Told when",
        choices=MessageKind.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    is_active = forms.BooleanField(label="Switched on", required=False, initial=True)
    new_key = forms.BooleanField(label="Make a new signing key", required=False)

    def __init__(self, *args: Any, channel: Channel | None, **kwargs: Any) -> None:
        self.channel = channel
        if channel is not None:
            kwargs["initial"] = {
                name: getattr(channel, name) for name in ("name", "kind", "told", "is_active")
            }
        super().__init__(*args, **kwargs)
        if channel is None:
            self.fields["url"].required = True
            del self.fields["new_key"]
        else:
            self.fields["url"].label = "New address"
        if channel is not None and channel.kind != Channel.Kind.WEBHOOK:
            del self.fields["new_key"]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        others = Channel.objects.exclude(pk=self.channel.pk if self.channel else 0)
        if others.filter(name=name).exists():
            raise forms.ValidationError("A channel of that name already exists.")
        return name


class PreferenceForm(forms.Form):
    """How somebody wants to be notified: a choice for each kind of message, and their own clock."""

    time_zone = forms.ChoiceField(label="Time zone")
    quiet_from = forms.TimeField(
        label="Quiet from",
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    quiet_until = forms.TimeField(
        label="Quiet until",
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    digest_at = forms.TimeField(
        label="Digest at", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )

    def __init__(self, *args: Any, preference: MessagePreference, **kwargs: Any) -> None:
        kwargs["initial"] = {
            name: getattr(preference, name)
            for name in ("time_zone", "quiet_from", "quiet_until", "digest_at")
        }
        super().__init__(*args, **kwargs)
        zones: Any = self.fields["time_zone"]
        zones.choices = [(name, name) for name in sorted(available_timezones())]
        self.kinds = kinds_for(preference.person)
        for kind in self.kinds:
            self.fields[f"how_{kind}"] = forms.ChoiceField(
                label=kind.label,
                choices=MessagePreference.How.choices,
                initial=preference.how_of(kind),
            )

    @property
    def how_fields(self) -> list[forms.BoundField]:
        return [self[f"how_{kind}"] for kind in self.kinds]

    @property
    def clock_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("time_zone", "digest_at", "quiet_from", "quiet_until")]

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if bool(said.get("quiet_from")) != bool(said.get("quiet_until")):
            self.add_error("quiet_until", "Quiet hours need both a start and an end.")
        return said


@require_GET
@role_required
def message_setup(request: UserRequest) -> HttpResponse:
    """The channels and the delivery log; htmx requests only the log while something is being delivered."""
    _admins_only(request, "see where messages go")
    rows = log()
    waiting = [row for row in rows if row.state == State.WAITING]
    due = [
        row.created_at
        for row in waiting
        if (row.next_attempt_at or row.created_at) <= timezone.now()
    ]
    context = {
        "live": bool(due),
        "nobody_works": nobody_works(min(due, default=None)),
        "poll_every": poll_every(),
        "seen": fingerprint([(row.pk, row.state, row.tries, row.error) for row in rows]),
        "deliveries": [(row, MARKS[State(row.state)]) for row in rows],
    }
    if request.htmx and request.htmx.target == "deliveries":
        if is_seen(request, str(context["seen"])):
            return not_changed()
        return render(request, "_setup_deliveries.html", context)
    context |= {
        "channels": [
            (
                channel,
                [MessageKind(kind).label for kind in channel.told if kind in MessageKind.values],
            )
            for channel in Channel.objects.all()
        ],
        "mail": mail_is_set_up(),
    }
    return render(request, "setup_messages.html", context)


@require_http_methods(["GET", "POST"])
@role_required
def edit_channel(request: UserRequest, pk: int | None = None) -> HttpResponse:
    """Add a channel, or change one."""
    _admins_only(request, "change where messages go")
    channel = get_object_or_404(Channel, pk=pk) if pk else None
    form = ChannelForm(request.POST or None, channel=channel)
    context: dict[str, Any] = {"form": form, "channel": channel}
    if request.method == "POST" and form.is_valid():
        said = services.ChannelInput(
            name=form.cleaned_data["name"],
            kind=form.cleaned_data["kind"],
            told=form.cleaned_data["told"],
            is_active=form.cleaned_data["is_active"],
            url=form.cleaned_data["url"].strip(),
            new_key=form.cleaned_data.get("new_key", False),
        )
        try:
            saved, key = services.save_channel(request.user, channel, said)
        except PromotionError as error:
            context["problem"] = refusal(error)
        else:
            if key:
                # Only this response shows it: a redirect would have to store it.
                return render(request, "setup_channel_key.html", {"channel": saved, "key": key})
            place = f"channel-{saved.pk}"
            notices.success(request, f"“{saved.name}” is saved.", extra_tags=place)
            return back_to(place, "message_setup")
    return render(request, "setup_channel.html", context)


@post_only
@role_required
def delete_channel(request: UserRequest, pk: int) -> HttpResponse:
    channel = get_object_or_404(Channel, pk=pk)
    try:
        services.delete_channel(request.user, channel)
    except PromotionError as error:
        forbid(error)
    notices.success(request, f"“{channel.name}” is deleted.", extra_tags="channels")
    return back_to("channels", "message_setup")


@post_only
@role_required
def send_test(request: UserRequest, pk: int | None = None) -> HttpResponse:
    """Send a test message to a channel, or to oneself."""
    try:
        services.send_test(request.user, get_object_or_404(Channel, pk=pk) if pk else None)
    except PromotionError as error:
        forbid(error)
    place = f"channel-{pk}" if pk else "mail"
    notices.success(
        request,
        "A test message is on its way: the log below shows what becomes of it.",
        extra_tags=place,
    )
    return back_to(place, "message_setup")


@require_http_methods(["GET", "POST"])
@role_required
def preferences(request: UserRequest) -> HttpResponse:
    """Which notifications the user gets, and when."""
    form = PreferenceForm(request.POST or None, preference=preference_of(request.user))
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        services.save_preference(
            request.user,
            {kind: said[f"how_{kind}"] for kind in form.kinds},
            time_zone=said["time_zone"],
            quiet_from=said["quiet_from"],
            quiet_until=said["quiet_until"],
            digest_at=said["digest_at"],
        )
        notices.success(request, "Your choice is saved.", extra_tags="saved")
        return back_to("saved", "preferences")
    context = {
        "form": form,
        "mail": mail_is_set_up(),
        "has_password": uses_password(request.user),
    }
    return render(request, "preferences.html", context)


def _admins_only(request: UserRequest, what: str) -> None:
    try:
        check_admin(request.user, what)
    except PromotionError as error:
        forbid(error)
