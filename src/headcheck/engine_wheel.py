"""The engine that is running as a wheel, and the versions of what it runs with: the same, elsewhere.

No build tool and no network are needed: a pure Python wheel is a zip archive of the package and of what its
installation knows about it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from headcheck.errors import HeadcheckError

NAME = "headcheck"
PACKAGE = Path(__file__).parent
LEFT_OUT = ("__pycache__", "chapter")  # what is compiled, and the exercises for those who learn alone
EARLIEST = (1980, 1, 1, 0, 0, 0)
FILE = 0o100644 << 16
PROGRAM = 0o100755 << 16
_REQUIRED = re.compile(r"[A-Za-z0-9._-]+")
_OTHER_EXTRA = re.compile(r"\bextra\s*==\s*['\"](?!attention\b)")
_TAGS = "Wheel-Version: 1.0\nGenerator: headcheck\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel() -> tuple[str, bytes]:
    """The name of the wheel, and its content."""
    installed = _distribution()
    stem = f"{NAME}-{installed.version}"
    about = f"{stem}.dist-info"
    files = {
        path.relative_to(PACKAGE.parent).as_posix(): path.read_bytes()
        for path in sorted(PACKAGE.rglob("*"))
        if path.is_file() and not set(path.relative_to(PACKAGE).parts) & set(LEFT_OUT)
    }
    for name in ("METADATA", "entry_points.txt", "licenses/LICENSE"):
        if text := installed.read_text(name):
            files[f"{about}/{name}"] = text.encode()
    files[f"{about}/WHEEL"] = _TAGS.encode()
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in files.items())
    files[f"{about}/RECORD"] = f"{record}{about}/RECORD,,\n".encode()
    return f"{stem}-py3-none-any.whl", zipped(files)


def pins() -> str:
    """The versions that are installed here of all that the engine and its courses need, as a file of constraints."""
    found: dict[str, str] = {}
    waiting = [_distribution()]
    while waiting:
        for required in waiting.pop().requires or ():
            match = None if _OTHER_EXTRA.search(required) else _REQUIRED.match(required)
            name = re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""
            if name and name not in found and name != NAME:
                try:
                    installed = distribution(name)
                except PackageNotFoundError:  # of another system, or of an extra
                    continue
                found[name] = installed.version.partition("+")[0]  # 2.13.0+cpu is 2.13.0 in other indexes
                waiting.append(installed)
    return "".join(f"{name}=={version}\n" for name, version in sorted(found.items()))


def zipped(files: dict[str, bytes], programs: tuple[str, ...] = ()) -> bytes:
    """An archive of files, the same at any time; the `programs` among them may be executed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.external_attr = PROGRAM if name in programs else FILE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return out.getvalue()


def _distribution() -> Distribution:
    try:
        return distribution(NAME)
    except PackageNotFoundError as error:
        raise HeadcheckError(
            "headcheck runs here without being installed, so it cannot be packed: pip install it"
        ) from error


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
