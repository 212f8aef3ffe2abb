"""Settings of the whole platform: from the environment, safe by default.

Every variable is named TOCSIN_…; `docs/operating.md` lists them.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from tocsin.home import engines, home, secret


def flag(name: str, default: bool = False) -> bool:
    return os.environ.get(name, str(default)).lower() in {"1", "true", "yes", "on"}


def listed(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


def whole(name: str, default: int, most: int) -> int:
    """A number from 0 to `most`. Raises ImproperlyConfigured with a sentence for the operator."""
    given = os.environ.get(name, "").strip() or str(default)
    if not given.isdecimal() or len(given) > 20 or int(given) > most:
        raise ImproperlyConfigured(
            f"{name} must be a whole number from 0 to {most}, not {given[:40]!r}"
        )
    return int(given)


def size(name: str, default: int) -> int:
    return whole(name, default, 1 << 62)


def database(url: str) -> dict[str, Any]:
    """A Django database entry from postgresql://user:password@host:port/name?option=value."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/") or "tocsin",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


HOME = home()
SECRET_KEY = secret("secret_key")
VAULT_KEY = secret("vault_key")
DEBUG = flag("TOCSIN_DEBUG")
ALLOWED_HOSTS = listed("TOCSIN_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = listed("TOCSIN_ORIGINS")

INSTALLED_APPS = [
    "apps.protection",
    "apps.acquisition",
    "apps.knowledge",
    "apps.detection",
    "apps.analysis",
    "apps.assistance",
    "apps.center",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "axes",
    "rest_framework",
    "drf_spectacular",
]
MIDDLEWARE = [
    "apps.center.middleware.ContentSecurityPolicy",  # first: around refusals of the others too
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "apps.center.middleware.RefuseNulls",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "tocsin.urls"
ASGI_APPLICATION = "tocsin.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.center.context.platform",
            ]
        },
    }
]

DATABASES = {
    "default": database(
        os.environ.get("TOCSIN_DATABASE_URL")
        or engines().get("database")
        or "postgresql://tocsin@localhost/tocsin"
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "center/locked_out.html"
AXES_VERBOSE = False

SECURE_TLS = flag("TOCSIN_TLS")  # the site is reached by https, here or at a proxy
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_TLS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if SECURE_TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

LANGUAGE_CODE = os.environ.get("TOCSIN_LANGUAGE", "en")
LANGUAGES = [("en", _("English"))]
TIME_ZONE = os.environ.get("TOCSIN_TIME_ZONE", "UTC")
USE_TZ = True

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # served from the packages: no collectstatic to forget

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.CursorPagination",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tocsin",
    "DESCRIPTION": "Network-security emergency response",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "BatchStateEnum": "apps.acquisition.models.Batch.State",
        "IncidentStateEnum": "apps.analysis.models.Incident.State",
        "RemedyStateEnum": "apps.analysis.models.Remedy.State",
        "StepStateEnum": "apps.analysis.models.Step.State",
    },
}

CELERY_BROKER_URL = (
    os.environ.get("TOCSIN_BROKER_URL") or engines().get("broker") or "redis://localhost:6379/0"
)
CELERY_TASK_DEFAULT_QUEUE = "response"  # latency first
CELERY_TASK_ROUTES = {
    "apps.acquisition.tasks.*": {"queue": "ingest"},
    "apps.center.tasks.collect": {"queue": "scan"},  # slow, and waits for others most of the time
}
CELERY_TASK_ACKS_LATE = True  # a killed worker's task runs again; stages claim by compare-and-set
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 120  # a process loads the networks before it says it is up
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
# What hangs is ended, with its process, when the broker would hand it to another worker anyway.
CELERY_TASK_TIME_LIMIT = 3600
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "remove_old": {"task": "apps.center.tasks.remove_old", "schedule": 3600},
    "make_days": {"task": "apps.acquisition.tasks.make_days", "schedule": 3600},
    "sweep": {"task": "apps.center.tasks.sweep", "schedule": 30, "options": {"expires": 30}},
    "watch": {"task": "apps.center.tasks.watch", "schedule": 5, "options": {"expires": 5}},
    "deliver": {"task": "apps.center.tasks.deliver", "schedule": 15, "options": {"expires": 15}},
    "forget": {
        "task": "apps.acquisition.tasks.forget_keys",
        "schedule": 600,
        "options": {"expires": 600},
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("TOCSIN_LOG_LEVEL", "INFO")},
    "loggers": {
        "axes": {"level": "WARNING"},
        "paramiko": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},  # a page refused to a role is no fault of ours
    },
}

# What the platform accepts and touches. Sizes in bytes.
TOCSIN: dict[str, Any] = {
    "max_body": 256 * 1024 * 1024,  # one request, decompressed
    "max_line": 1024 * 1024,  # one line of a log; longer ones are rejected and counted
    "gather_seconds": 1.0,  # small deliveries of a source share a batch for so long
    "gather_longest": 10.0,  # … this much longer while closed batches wait to be parsed
    "gather_bytes": 8 * 1024 * 1024,  # … and up to this size
    "gather_below": 1024 * 1024,  # a larger delivery is a batch of its own
    "content_keys": 24 * 3600,  # seconds for which the same content again adds nothing
    # Received and not yet parsed: beyond it senders are told to wait, all or one of them.
    "backlog_bytes": size("TOCSIN_BACKLOG_BYTES", 4 << 30),
    "backlog_batches": 50_000,
    "source_backlog_bytes": size("TOCSIN_SOURCE_BACKLOG_BYTES", 2 << 30),
    "source_backlog_batches": 40_000,
    "in_flight_bytes": size("TOCSIN_IN_FLIGHT_BYTES", 512 << 20),  # bodies a web process reads
    "late_after": 3600,  # seconds after which a record that comes is counted as late
    "named_keys": 7 * 24 * 3600,  # … and the same Idempotency-Key
    # Days that records and raw bytes are kept after they came; 0 keeps them for ever.
    "retention_days": whole("TOCSIN_RETENTION_DAYS", 90, most=36_500),
    "protected": listed("TOCSIN_PROTECTED"),  # addresses and networks never acted upon
    "models": os.environ.get("TOCSIN_MODELS", ""),  # folder of model files; empty: the shipped
    "public_url": os.environ.get("TOCSIN_PUBLIC_URL", "http://127.0.0.1:8000"),
    # Responders' webhooks may point into our own network only where the operator says so.
    "private_webhooks": flag("TOCSIN_PRIVATE_WEBHOOKS"),
    "capture": listed("TOCSIN_CAPTURE"),  # interfaces of this machine that may be captured
    # What `tocsin listen` opens; `acquisition/listeners/options.py` checks it.
    "listen": {
        "syslog_udp": listed("TOCSIN_SYSLOG_UDP"),
        "syslog_tcp": listed("TOCSIN_SYSLOG_TCP"),
        "syslog_tls": listed("TOCSIN_SYSLOG_TLS"),
        "certificate": os.environ.get("TOCSIN_SYSLOG_CERTIFICATE", ""),
        "certificate_key": os.environ.get("TOCSIN_SYSLOG_KEY", ""),
        "client_authority": os.environ.get("TOCSIN_SYSLOG_CLIENT_CA", ""),
        "netflow": listed("TOCSIN_NETFLOW"),
        "tail": listed("TOCSIN_TAIL"),  # folders whose files sources may follow
        "drop": flag("TOCSIN_DROP"),
        "buffer": os.environ.get("TOCSIN_LISTEN_BUFFER", "64"),  # MiB
        "connections": os.environ.get("TOCSIN_LISTEN_CONNECTIONS", "512"),
        "idle": os.environ.get("TOCSIN_LISTEN_IDLE", "3600"),  # seconds
    },
}
HEARS = any(
    TOCSIN["listen"][name]
    for name in ("syslog_udp", "syslog_tcp", "syslog_tls", "netflow", "tail", "drop")
)
"""Whether there is anything for `tocsin listen` to do."""
