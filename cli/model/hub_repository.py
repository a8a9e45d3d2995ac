"""One revision of a repository on the Hugging Face hub, by the hub's own library.

`http_get` is private to that library: its public download keeps nothing of a file that a killed
process had half of, which is hours where a file has gigabytes.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from interject.cli.process.failures import InputFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggingface_hub import ModelInfo
    from huggingface_hub.hf_api import RepoSibling

SHA256_DIGITS = 64
DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
NOT_THERE = "there is no such repository, or it is private and HF_TOKEN does not open it"
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class HubFile:
    """`digest` is the SHA-256 of a large file, and git's hash of another, which is a SHA-1."""

    name: str
    size_bytes: int
    digest: str

    @property
    def is_large(self) -> bool:
        """Whether it lies in the hub's large file storage."""
        return len(self.digest) == SHA256_DIGITS


class HubRepository:
    """`endpoint` and `token`: None takes what HF_ENDPOINT and HF_TOKEN say.

    :raises InputFailure: from every method, when the hub does not give what is asked for.
    """

    def __init__(self, name: str, *, endpoint: str | None = None, token: str | None = None) -> None:
        from huggingface_hub import HfApi
        from huggingface_hub.utils import disable_progress_bars, logging

        logging.set_verbosity_error()
        disable_progress_bars()
        self.name = name
        self._api = HfApi(endpoint=endpoint, token=token, library_name="interject")

    def revision(self, wanted: str) -> tuple[str, list[HubFile]]:
        """The commit that a branch, a tag or a commit stands for, and its files."""
        with self._asked(f"revision {wanted!r}"):
            info: ModelInfo = self._api.model_info(
                self.name, revision=wanted, files_metadata=True, timeout=TIMEOUT_S
            )
        if not info.sha:
            raise InputFailure(f"{self.name}: the hub names no commit of revision {wanted!r}")
        return info.sha, [self._file(sibling) for sibling in info.siblings or ()]

    def download(self, file: HubFile, commit: str, into: BinaryIO, *, present_bytes: int) -> None:
        """Append what is missing; a connection that is cut is made again some times."""
        from huggingface_hub import hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers

        url = hf_hub_url(self.name, file.name, revision=commit, endpoint=self._api.endpoint)
        headers = build_hf_headers(token=self._api.token, library_name="interject")
        headers["Accept-Encoding"] = "identity"
        with self._asked(file.name):
            http_get(
                url,
                into,
                resume_size=present_bytes,
                headers=headers,
                expected_size=file.size_bytes,
            )

    def _file(self, sibling: RepoSibling) -> HubFile:
        name, lfs = sibling.rfilename, sibling.lfs
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or not name.isprintable():
            raise InputFailure(f"{self.name}: holds a file {name!r}, which lies outside a folder")
        digest = (lfs.sha256 if lfs else sibling.blob_id) or ""
        if sibling.size is None or not DIGEST.fullmatch(digest):
            raise InputFailure(f"{self.name}: the hub says no size or no hash of {name}")
        return HubFile(name, sibling.size, digest)

    @contextlib.contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        """Which library carries its requests differs by the hub's version, so all is caught."""
        from huggingface_hub import errors

        try:
            yield
        except errors.HFValidationError:
            raise InputFailure(
                f"{self.name[:80]!r} names no repository; write OWNER/NAME"
            ) from None
        except errors.GatedRepoError:
            raise InputFailure(
                f"{self.name}: is given to those only who have accepted its terms on its page; do "
                "so, and set HF_TOKEN"
            ) from None
        except errors.RepositoryNotFoundError:
            raise InputFailure(f"{self.name}: {NOT_THERE}") from None
        except errors.RevisionNotFoundError:
            raise InputFailure(f"{self.name}: has no {what}") from None
        except errors.EntryNotFoundError:
            raise InputFailure(f"{self.name}: has no file {what}") from None
        except errors.HfHubHTTPError as exc:
            raise InputFailure(f"{self.name}: {_refused(exc)}") from None
        except OSError as exc:
            if exc.filename or exc.errno:
                raise
            raise InputFailure(f"{self.name}: {what}: {first_line(exc)}") from None
        except Exception as exc:
            raise InputFailure(
                f"{self.name}: {what}: the hub cannot be reached or broke off ({first_line(exc)}); "
                "the same command goes on from here"
            ) from None


def _refused(exc: Exception) -> str:
    status = getattr(getattr(exc, "response", None), "status_code", None)
    if status in (401, 403):
        return f"{NOT_THERE} ({status})"
    if status == 429:
        return "the hub says that too much is asked of it (429); try again later"
    return f"the hub answered {status}" if status else first_line(exc)


def first_line(exc: Exception) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0] or type(exc).__name__
