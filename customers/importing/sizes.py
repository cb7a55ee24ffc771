"""How large a file is, on disk and unpacked."""

from pathlib import Path

_PACKED = {".gz": 8, ".parquet": 6}


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; 0 if there is none."""
    if path.is_dir():
        return sum(each.stat().st_size for each in path.iterdir() if each.is_file())
    return path.stat().st_size if path.exists() else 0


def unpacked_size(path: Path) -> int:
    """About how many bytes the rows have as plain text."""
    if path.is_dir():
        return sum(unpacked_size(each) for each in path.iterdir() if each.is_file())
    return _PACKED.get(path.suffix, 1) * size_of(path)
