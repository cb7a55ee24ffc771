"""Third-party front-end files, served from `node_modules` by an explicit list and never copied into the repository."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage, Error
from django.core.files.storage import FileSystemStorage, Storage

NODE_MODULES = Path(settings.BASE_DIR) / "node_modules"

# URL below /static/ -> file below node_modules. A file that another one names (fonts, source maps) must be here too:
# the manifest storage refuses a stylesheet with a dangling reference.
VENDOR_FILES = {
    "vendor/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "vendor/tabler.min.css.map": "@tabler/core/dist/css/tabler.min.css.map",
    "vendor/echarts.min.js": "echarts/dist/echarts.min.js",
    "vendor/inter/wght.css": "@fontsource-variable/inter/wght.css",
    **{
        f"vendor/inter/files/inter-{script}-wght-normal.woff2": (
            f"@fontsource-variable/inter/files/inter-{script}-wght-normal.woff2"
        )
        for script in ("latin", "latin-ext", "cyrillic", "cyrillic-ext", "greek", "greek-ext", "vietnamese")
    },
}


class NodeModulesFinder(BaseFinder):
    """Find the files of `VENDOR_FILES` and nothing else."""

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """One error that names the missing package and the command that brings it."""
        missing = sorted({_package(path) for path in VENDOR_FILES.values() if not (NODE_MODULES / path).exists()})
        if not missing:
            return []
        return [Error(f"front-end files are missing: {', '.join(missing)}", hint="run: make setup", id="quimbi.E001")]

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """The file's path; [] (or a list, if all are asked for) when it is not one of ours."""
        wanted = VENDOR_FILES.get(path)
        found = str(NODE_MODULES / wanted) if wanted and (NODE_MODULES / wanted).exists() else None
        if find_all:
            return [found] if found else []
        return found or []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        """Every vendor file as (URL path, storage), for `collectstatic`."""
        for url in VENDOR_FILES:
            yield url, _VENDOR_STORAGE


def _package(path: str) -> str:
    """The npm package that a file below `node_modules` belongs to: "@owner/name" or "name"."""
    return "/".join(path.split("/")[: 2 if path.startswith("@") else 1])


class _VendorStorage(FileSystemStorage):
    """Opens a vendor file under the URL path that it is served at."""

    def path(self, name: str) -> str:
        return str(NODE_MODULES / VENDOR_FILES.get(name, name))


_VENDOR_STORAGE = _VendorStorage(location=str(NODE_MODULES))
