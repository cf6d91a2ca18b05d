"""All settings, read from the environment (and from a `.env` file beside manage.py).

Three kinds of set-up share this file. *Production* is the default and asks for everything it
needs. `DEBUG=true` is for developing. `DEMO=true` is for the demo and the end-to-end tests: it
behaves as production does, but over plain HTTP on this machine. The last two are called *local*
below.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from .beat import Every

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(os.environ.get("ENV_FILE", str(BASE_DIR / ".env")))

DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
LOCAL = DEBUG or DEMO

SECRET_KEY = env.str("SECRET_KEY", default="for-this-machine-only" if LOCAL else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Give it a long random value, or set DEBUG=true to develop."
    )

# Encrypt what is kept of components. The first key writes, all of them read: put a new key in front,
# then drop the old one when `manage.py rotate_content_keys` has run.
CONTENT_KEYS = env.list("CONTENT_KEYS", default=["for-this-machine-only"] if LOCAL else [])
if not CONTENT_KEYS:
    raise ImproperlyConfigured(
        "CONTENT_KEYS is not set. Give it a long random value, and keep it: without it the database "
        "cannot be read in full."
    )

ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if LOCAL else []
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- The project -----------------------------------------------------------------------------

INSTALLED_APPS = [
    "promotions",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    # Before staticfiles, so that `runserver` serves files as gunicorn does.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "import_export",
    "axes",
    "csp",
]

# Not in the image, whatever DEMO says there: a system check refuses it in a sentence.
if DEMO and (BASE_DIR / "promo_site" / "demo").is_dir():
    INSTALLED_APPS.append("promo_site.demo")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Events about people and groups know who was at work.
    "promotions.audit.acting.ActingMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "promotions.pages.sessions.SessionLimits",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # Last, as it turns a refused sign-in into its own answer.
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "promo_site.urls"
WSGI_APPLICATION = "promo_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

LANGUAGE_CODE = "en"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "promo_site.formats"

# --- Database --------------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url(
        "DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'var' / 'promotions.sqlite3'}"
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    # A deferred transaction that reads first and writes later fails at once with "locked" when
    # another process wrote in between; an immediate one waits its turn.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People ----------------------------------------------------------------------------------

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "promo_site.sign_in.SlowedBackend",
    "promotions.pages.provider.ProviderBackend",
]
# Accounts with a password of this site. Without them everybody comes by the identity provider.
LOCAL_ACCOUNTS = env.bool("LOCAL_ACCOUNTS", default=True)
if LOCAL_ACCOUNTS:
    AUTHENTICATION_BACKENDS.append("django.contrib.auth.backends.ModelBackend")

# The OpenID provider: see docs/single-sign-on.md. Empty means that there is none.
OIDC_ISSUER = env.str("OIDC_ISSUER", default="").rstrip("/")
# What the button on the sign-in page calls it.
OIDC_NAME = env.str("OIDC_NAME", default="your organisation's account")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", default="")
if oidc_secret_file := env.str("OIDC_CLIENT_SECRET_FILE", default=""):
    OIDC_CLIENT_SECRET = Path(oidc_secret_file).read_text(encoding="utf-8").strip()
OIDC_SCOPES = env.str("OIDC_SCOPES", default="openid profile email")
# The claim that tells a person's groups, and which of them is which group here: "theirs=Admins,others=Contributors".
# At every sign-in people are put into these groups and out of them.
OIDC_GROUPS_CLAIM = env.str("OIDC_GROUPS_CLAIM", default="groups")
OIDC_GROUPS = env.dict("OIDC_GROUPS", default={})
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Locked are the pair of name and address, and an address that tries many names. A name alone is only slowed down, so
# that a stranger cannot lock a colleague out from elsewhere.
AXES_HANDLER = "promo_site.sign_in.Handler"
SIGN_IN_ADDRESS_LIMIT = env.int("SIGN_IN_ADDRESS_LIMIT", default=40)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = env.int("SIGN_IN_FAILURE_LIMIT", default=8)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("SIGN_IN_LOCK_MINUTES", default=15))
AXES_RESET_ON_SUCCESS = True
# Who is locked and tries on makes it last no longer.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "promo_site.client_address.client_address"
# How many proxies of our own stand in front, each of which appends to X-Forwarded-For. With none
# the header is not believed.
PROXY_COUNT = env.int("PROXY_COUNT", default=0)
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_VERBOSE = False

# --- Security --------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = not LOCAL
CSRF_COOKIE_SECURE = not LOCAL
# How long a sign-in lasts in all, how long while nothing is done, and how recent it must be for an approval.
SESSION_COOKIE_AGE = env.int("SESSION_HOURS", default=12) * 3600
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_MINUTES", default=60) * 60
RECENT_SIGN_IN_SECONDS = env.int("RECENT_SIGN_IN_MINUTES", default=30) * 60

SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not LOCAL)
# A load balancer asks over plain HTTP from inside.
SECURE_REDIRECT_EXEMPT = [r"^healthz/$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if LOCAL else 365 * 24 * 3600)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=not LOCAL)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=not LOCAL)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Only behind a proxy that always sets (or removes) this header itself: a client that can set it
# could claim to come over HTTPS. Example: PROXY_SSL_HEADER=X-Forwarded-Proto
if proxy_ssl_header := env.str("PROXY_SSL_HEADER", default=""):
    SECURE_PROXY_SSL_HEADER = (f"HTTP_{proxy_ssl_header.upper().replace('-', '_')}", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# --- Static files ----------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Listed only where it exists, for Django warns about a folder that does not.
STATICFILES_DIRS = [path for path in [BASE_DIR / "static"] if path.is_dir()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# Locally files are served from where they lie, so that nothing has to be collected first.
WHITENOISE_USE_FINDERS = LOCAL
WHITENOISE_AUTOREFRESH = LOCAL

# --- The Partner API -------------------------------------------------------------------------

PARTNER_API_URL = env.str("PARTNER_API_URL", default="https://api.boomi.com").rstrip("/")
# The primary account: the production side, which the credentials belong to.
PARTNER_API_ACCOUNT = env.str("PARTNER_API_ACCOUNT", default="")
PARTNER_API_USER = env.str("PARTNER_API_USER", default="")
PARTNER_API_TOKEN = env.str("PARTNER_API_TOKEN", default="")
# Read anew whenever a client is built, so that a token can be changed without a restart.
PARTNER_API_TOKEN_FILE = env.str("PARTNER_API_TOKEN_FILE", default="")
# "guide" or "published". Empty means that nobody has chosen; a system check insists on a choice
# for a boomi.com host.
PARTNER_API_DIALECT = env.str("PARTNER_API_DIALECT", default="")
# Between two calls of all processes together. The platform allows 10 calls a second; 100 ms
# would meet that only on average, 120 ms holds in every sliding second.
PARTNER_API_SPACING_MS = env.int("PARTNER_API_SPACING_MS", default=120)
# At most so many calls at once from one promotion, plan or page; the spacing holds for all together.
PARTNER_API_THREADS = env.int("PARTNER_API_THREADS", default=6)
PARTNER_API_TIMEOUT = env.int("PARTNER_API_TIMEOUT", default=120)

# --- Promotions ------------------------------------------------------------------------------

# The platform's own hard limit is 20 branches; the rest is left to people.
PROMOTION_BRANCH_LIMIT = env.int("PROMOTION_BRANCH_LIMIT", default=10)
PROMOTION_MAX_COMPONENTS = env.int("PROMOTION_MAX_COMPONENTS", default=200)
PROMOTION_MAX_COMPONENT_BYTES = env.int("PROMOTION_MAX_COMPONENT_BYTES", default=25 * 1024 * 1024)
# How often a new branch is looked at before it is given up (every 5 s). Accounts with many components need more.
PROMOTION_BRANCH_POLLS = env.int("PROMOTION_BRANCH_POLLS", default=6)
# Seconds that a merge may take, and days that a review may be left undecided.
PROMOTION_MERGE_TIMEOUT = env.int("PROMOTION_MERGE_TIMEOUT", default=600)
PROMOTION_LAPSE_DAYS = env.int("PROMOTION_LAPSE_DAYS", default=14)
# Days that records are kept: calls of the API, steps of ended promotions, plans that nobody submitted. 0 keeps
# them forever. Promotions and events always stay.
KEEP_API_CALLS = env.int("KEEP_API_CALLS", default=90)
KEEP_STEPS = env.int("KEEP_STEPS", default=365)
KEEP_PLANS = env.int("KEEP_PLANS", default=30)
KEEP_MESSAGES = env.int("KEEP_MESSAGES", default=90)
# Versions of each promoted component whose content is kept for a rollback.
KEEP_VERSIONS = env.int("KEEP_VERSIONS", default=5)
# The hour (0 to 23, in TIME_ZONE) in which production is compared every night with what was promoted; "off": never.
DRIFT_HOUR = env.str("DRIFT_HOUR", default="2")
# Days for which an approval holds that has not led to a merge; 0: for ever.
PROMOTION_APPROVAL_DAYS = env.float("PROMOTION_APPROVAL_DAYS", default=7.0)
# Seconds that a promotion waits for a platform that is away, or for a token that is accepted.
PROMOTION_PATIENCE = env.int("PROMOTION_PATIENCE", default=24 * 3600)
# Multiplies every wait, lease and poll, so that tests take seconds where the real thing takes
# minutes. Leave it at 1 in production.
PROMOTION_TIME_SCALE = env.float("PROMOTION_TIME_SCALE", default=1.0)
# How often the database is asked what is due (scaled like every wait).
PROMOTION_TICK_SECONDS = env.float("PROMOTION_TICK_SECONDS", default=2.0)
# "keep": production's own hosts and credentials survive an update. "empty": they are emptied.
ENVIRONMENT_VALUES = env.str("ENVIRONMENT_VALUES", default="keep")
# When components are written to the branch: "before_review" or "after_approval".
STAGE = env.str("STAGE", default="before_review")

# --- Audit and messages ----------------------------------------------------------------------

# Where the end of the audit chain is written every hour: a file that only grows, and an address that
# is posted to, signed where there is a key ("whsec_" and base64, as Standard Webhooks have it).
AUDIT_ANCHOR_FILE = env.str("AUDIT_ANCHOR_FILE", default="")
AUDIT_ANCHOR_URL = env.str("AUDIT_ANCHOR_URL", default="")
AUDIT_ANCHOR_KEY = env.str("AUDIT_ANCHOR_KEY", default="")
# Networks of one's own that may be posted to, as 10.1.2.0/24; over plain HTTP too. Otherwise only
# https addresses of the internet are.
OUTBOUND_PRIVATE_NETWORKS = env.list("OUTBOUND_PRIVATE_NETWORKS", default=[])
# The proxy by which the internet is reached, as http://user:password@proxy.example.com:3128; networks
# of one's own and what NO_PROXY names are reached without it.
OUTBOUND_PROXY = env.str("OUTBOUND_PROXY", default=env.str("HTTPS_PROXY", default=""))
# Where only the proxy can resolve names of the internet: it must refuse private addresses itself.
OUTBOUND_PROXY_RESOLVES = env.bool("OUTBOUND_PROXY_RESOLVES", default=False)

# Where people reach the site: links in messages begin with it. Example: https://desk.example.com
SITE_URL = env.str("SITE_URL", default="") or (
    f"https://{ALLOWED_HOSTS[0]}" if ALLOWED_HOSTS and not LOCAL else "http://localhost:8000"
)
# The mail server, as smtp+tls://user:password@mail.example.com:587. Empty: no e-mail is sent.
_mail: Any = env.email_url("EMAIL_URL") if env.str("EMAIL_URL", default="") else {}
EMAIL_BACKEND = _mail.get("EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend")
EMAIL_HOST = _mail.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail.get("EMAIL_USE_SSL", False)
# Seconds for which a mail server that does not answer may keep a worker.
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="Promotion Desk <promotion-desk@localhost>")

# --- Redis and Celery ------------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")

CELERY_BROKER_URL = REDIS_URL
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = TIME_ZONE
# Redis keeps no promise worth relying on: a task may be lost or come twice. The database decides
# what runs, and the tick below finds whatever was lost. So messages are acknowledged early.
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A page that queues a task must not hang while Redis is away: it fails quickly, and the tick
# does the work later.
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "visibility_timeout": 3600,
}
CELERY_TASK_PUBLISH_RETRY = False

# Not below a fifth of a second, however short the tests make their waits.
_tick_every = max(0.2, PROMOTION_TICK_SECONDS * PROMOTION_TIME_SCALE)
_sweep_every = max(1.0, 60 * PROMOTION_TIME_SCALE)
# A tick that waited longer than a few rounds is worth nothing: without `expires` they would pile
# up while no worker runs.
CELERY_BEAT_SCHEDULER = "promo_site.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "tick": {
        "task": "promotions.tasks.tick_task",
        "schedule": Every(_tick_every),
        "options": {"expires": max(5.0, _tick_every * 5)},
    },
    "sweep": {
        "task": "promotions.tasks.sweep_task",
        "schedule": Every(_sweep_every),
        "options": {"expires": max(5.0, _sweep_every)},
    },
    "sweep-branches": {
        "task": "promotions.tasks.sweep_branches_task",
        "schedule": Every(_sweep_every * 10),
        "options": {"expires": max(5.0, _sweep_every)},
    },
    "seal-events": {
        "task": "promotions.tasks.seal_events_task",
        "schedule": Every(_sweep_every),
        "options": {"expires": max(5.0, _sweep_every)},
    },
    "look-nightly": {
        "task": "promotions.tasks.look_nightly_task",
        "schedule": Every(_sweep_every),
        "options": {"expires": max(5.0, _sweep_every)},
    },
    "write-anchor": {
        "task": "promotions.tasks.write_anchor_task",
        "schedule": Every(_sweep_every * 60),
        "options": {"expires": max(5.0, _sweep_every)},
    },
    "remove-outdated": {
        "task": "promotions.tasks.remove_outdated_task",
        "schedule": Every(_sweep_every * 60),
        "options": {"expires": max(5.0, _sweep_every)},
    },
}
CELERY_BEAT_SCHEDULE_FILENAME = env.str(
    "CELERY_BEAT_SCHEDULE_FILENAME", default=str(BASE_DIR / "var" / "celerybeat-schedule")
)

# --- Logging ---------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "format": "{asctime} {levelname:<7} {name}: {message}",
            "datefmt": "%H:%M:%S" if LOCAL else "%Y-%m-%d %H:%M:%S",
            "style": "{",
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # Its own handler in Django's defaults would write every line twice.
        "django": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
        "django.server": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
        "promotions": {"level": LOG_LEVEL},
        "partnerapi": {"level": LOG_LEVEL},
        "celery": {"level": LOG_LEVEL},
        # One line for each tick would drown everything else; what a task does is logged by it.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        # It writes every refused sign-in with the name that was typed, at times a password.
        "axes": {"level": "ERROR"},
    },
}
