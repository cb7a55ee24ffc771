"""Everything that differs between deployments comes from the environment; docs/settings.md lists it.

Without any variable set this is the laptop: SQLite, a file broker and local folders under ``var/``.
``QUIMBI_ENV=production`` switches the safety checks of ``quimbi.checks`` on and the laptop's conveniences off.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

# One BLAS and OpenMP thread: KMeans on one axis is two to five times faster and repeats to the bit (docs/benchmarks.md).
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from quimbi import environment

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where this runs -------------------------------------------------------------------------------------------------

PRODUCTION = environment.one_of("QUIMBI_ENV", ("demo", "production"), "demo") == "production"
DEBUG = environment.switch("DEBUG")
VAR = environment.folder("QUIMBI_VAR", BASE_DIR / "var")
LAPTOP_SECRET_KEY = "laptop-only-and-refused-in-production"  # noqa: S105  (quimbi.checks refuses it)
SECRET_KEY = environment.text("SECRET_KEY", LAPTOP_SECRET_KEY)
SECRET_KEY_FALLBACKS = environment.words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")

# --- What it is made of ----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "quimbi",
    "accounts",
    "jobs",
    "integrations",
    "customers",
    "segmentation",
    "predictions",
    "insights",
    "support",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "lucide",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "quimbi.requests.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "accounts.browsers.ApiForBrowsersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "quimbi.shell.ShopZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "quimbi.urls"
WSGI_APPLICATION = "quimbi.wsgi.application"
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
                "quimbi.shell.shell",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Facts: SQLite on a laptop, PostgreSQL in earnest ----------------------------------------------------------------

# IMMEDIATE: a deferred transaction that has read before a rival commits fails at once, whatever the timeout.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA temp_store=MEMORY;"
        "PRAGMA mmap_size=134217728;PRAGMA journal_size_limit=27103364;PRAGMA cache_size=-32000;"
    ),
}
DATABASES: dict[str, dict[str, Any]] = {
    "default": environment.database("DATABASE_URL")
    or {"ENGINE": "django.db.backends.sqlite3", "NAME": str(VAR / "quimbi.sqlite3")}
}
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS

# --- Long work: the Job row is the truth, a Celery message only rings the bell ---------------------------------------

REDIS_URL = environment.redis("REDIS_URL")
QUEUE_FOLDER = VAR / "queue"
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object]
if REDIS_URL:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 12 * 3600,
        "socket_timeout": 5,
        "socket_connect_timeout": 0.25,
        "max_retries": 0,
    }
else:
    for folder in (QUEUE_FOLDER, QUEUE_FOLDER / "control"):
        folder.mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(QUEUE_FOLDER),
        "data_folder_out": str(QUEUE_FOLDER),
        "control_folder": str(QUEUE_FOLDER / "control"),
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
JOB_LEASE_SECONDS = environment.whole_number("QUIMBI_JOB_LEASE_SECONDS", 60, least=1)
JOB_MAX_ATTEMPTS = 3
JOB_REPORT_SECONDS = 1.0
JOB_SWEEP_SECONDS = environment.number("QUIMBI_JOB_SWEEP_SECONDS", 30.0)
JOB_RING_AGAIN_SECONDS = environment.number("QUIMBI_JOB_RING_AGAIN_SECONDS", 30.0)  # with the sweep: within 60 s
JOB_SILENT_SECONDS = environment.number("QUIMBI_JOB_SILENT_SECONDS", 1800.0)
JOB_DEAF_SECONDS = 90.0

# --- Other systems ---------------------------------------------------------------------------------------------------

WEBHOOK_ALLOW_PRIVATE = environment.switch("QUIMBI_WEBHOOK_ALLOW_PRIVATE", default=not PRODUCTION)

# --- Segmentation ----------------------------------------------------------------------------------------------------

# Segmentation needs tickets and support needs segmentation: the knot is cut by naming the readers here.
SEGMENTATION_HISTORIES = {
    "purchases": "customers.histories.purchases",
    "tickets": "support.histories.tickets",
}
ARCHETYPES_AT_MOST = environment.whole_number("QUIMBI_ARCHETYPES_AT_MOST", 1000, least=1)
ARCHETYPE_COVERAGE = environment.share("QUIMBI_ARCHETYPE_COVERAGE", 0.85)

# --- Imports ---------------------------------------------------------------------------------------------------------

IMPORTS_FOLDER = VAR / "imports"
IMPORT_REJECT_LIMIT = 0.05
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
IMPORT_MAX_BYTES = environment.whole_number("QUIMBI_IMPORT_MAX_BYTES", 4 * 1024**3, least=1)

# --- People ----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = environment.switch("SECURE_SSL_REDIRECT")
SECURE_HSTS_SECONDS = environment.whole_number("SECURE_HSTS_SECONDS", 0)
if environment.switch("BEHIND_TLS_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
TRUSTED_PROXIES = environment.whole_number("TRUSTED_PROXIES", 0)

# --- Words, numbers, time --------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"  # what is stored; pages use the shop's zone (accounts.Shop)
USE_TZ = True
USE_I18N = True
USE_THOUSAND_SEPARATOR = True

# --- Pages -----------------------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
with suppress(OSError):  # whitenoise warns about a folder that is not there; a laptop's stays empty
    STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "quimbi.assets.NodeModulesFinder",
]
WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "form-action": ["'self'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# --- API -------------------------------------------------------------------------------------------------------------

API_REQUESTS_A_MINUTE = environment.whole_number("QUIMBI_API_REQUESTS_A_MINUTE", 600, least=1)  # of a person; a key has its own
CORS_ORIGINS = environment.origins("QUIMBI_CORS_ORIGINS")
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.CanRead"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.limits.CallerLimit"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.parsing.BodyParser"],
    "DEFAULT_SCHEMA_CLASS": "quimbi.api_operations.OperationSchema",
    "DEFAULT_METADATA_CLASS": None,  # no OPTIONS: the schema is at /api/schema
    "URL_FORMAT_OVERRIDE": None,  # ?format= is an unknown parameter like any other
    "EXCEPTION_HANDLER": "quimbi.api_errors.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Quimbi API",
    "DESCRIPTION": "Who a shop's customers are and what to do about it.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,  # "vip - vip": our choices are their own names
    "SERVE_PERMISSIONS": ["accounts.permissions.CanRead"],
    "PATH_CONVERTER_OVERRIDES": {"any": str},  # quimbi.api_urls
    "ENUM_NAME_OVERRIDES": {
        "RiskLevelEnum": ["critical", "high", "medium", "low"],  # stands under several names
        "DeliveryStateEnum": ["pending", "delivered", "failed", "abandoned"],  # other things have a state too
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "quimbi.api_describing.describe_answers",
        "quimbi.api_errors.describe_errors",
        "quimbi.api_sharing.share_parts",
    ],
}

# --- Assistants: the Model Context Protocol (docs/mcp.md) ----------------------------------------------------------------

MCP_PORT = environment.whole_number("QUIMBI_MCP_PORT", 0)

# --- Logs ------------------------------------------------------------------------------------------------------------

LOG_LEVEL = environment.one_of("LOG_LEVEL", ("", "DEBUG", "INFO", "WARNING", "ERROR"), "")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "quimbi.requests.RequestIdFilter"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL or "WARNING"},
    "loggers": {
        name: {"level": LOG_LEVEL or "INFO"}
        for name in INSTALLED_APPS[: INSTALLED_APPS.index("django.contrib.admin")]  # ours stand first
    },
}
