"""The question which encoding a file has that is not UTF-8: the choices, each with an example, the likeliest first."""

import unicodedata

from charset_normalizer import from_bytes

from customers.importing.options import Question

ENCODINGS = {
    "cp1252": "Western European (Windows-1252)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "iso8859-15": "Western European (ISO 8859-15)",
    "mac-roman": "Western European (old Macintosh)",
    "cp850": "Western European (DOS)",
    "shift_jis": "Japanese (Shift-JIS)",
    "euc_jp": "Japanese (EUC-JP)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "euc_kr": "Korean (EUC-KR)",
}
_COMMON_LETTERS = frozenset("äöüÄÖÜßéèêëÉÈáàâãçÇñÑóòôõøØåÅæÆœíìîïúùûýÿ€£–—’‘“”…®©™°½¼²³«»·")


def ask_for_encoding(strange: bytes) -> Question:
    """Which encoding? Nobody can tell for certain, but a person sees at once which spelling is right."""
    readable: list[tuple[float, str, str]] = []
    for name in ENCODINGS:
        try:
            text = strange.decode(name)
        except UnicodeDecodeError:
            continue
        foreign = [c for c in text if ord(c) > 127]
        good = sum(c in _COMMON_LETTERS or unicodedata.category(c) == "Lo" for c in foreign) / max(len(foreign), 1)
        odd = sum(unicodedata.category(c) in ("Cc", "Cn", "Co") for c in foreign) / max(len(foreign), 1)
        readable.append((good - odd, name, _example(text)))
    readable.sort(key=lambda entry: -entry[0])
    guessed = from_bytes(strange, cp_isolation=[name for _, name, _ in readable]).best() if readable else None
    suggestion = readable[0][1] if readable else "cp1252"
    if guessed is not None and readable[0][0] < 0.8:
        suggestion = guessed.encoding.replace("_", "-") if guessed.encoding.replace("_", "-") in ENCODINGS else suggestion
    choices = tuple((name, f"{ENCODINGS[name]}: {example}") for _, name, example in readable) or (
        ("cp1252", ENCODINGS["cp1252"]),
    )
    return Question(
        "encoding",
        "The file is not UTF-8, and its bytes do not say which encoding it has: choose the one that spells the names right.",
        choices,
        suggestion,
    )


def _example(text: str) -> str:
    words = [word.strip('",;\t|') for word in text.replace(";", " ").replace(",", " ").replace("\t", " ").split()]
    return ", ".join(list(dict.fromkeys(word[:30] for word in words if any(ord(c) > 127 for c in word)))[:4])
