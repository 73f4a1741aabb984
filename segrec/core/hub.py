"""The only door to the Hugging Face Hub: weights fetched from repositories, and pushed to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from segrec.core import VERSION
from segrec.core.errors import CheckpointError, ConfigError
from segrec.core.packages import package
from segrec.core.printable import printable

PREFIX = "hf-hub:"
"""What a repository's name begins with where weights are named."""
WEIGHTS_FILE, CARD_FILE = "model.safetensors", "README.md"
REMEDY = "pip install 'segrec[hub]'"

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def is_hub_name(name: str) -> bool:
    """Return whether weights are named as a repository of the Hub: `hf-hub:owner/name`, perhaps with `@revision`."""
    return name.startswith(PREFIX)


def fetch_weights(name: str) -> Path:
    """Return the weights file of a repository, in the Hub's local cache; it is downloaded where it is not there.

    Args:
        name: `hf-hub:owner/name`, with `@revision` for a branch, tag or commit.

    Raises:
        LibraryError: huggingface_hub is not installed.
        CheckpointError: the name has another form, or no such file can be had.
    """
    repository, _, revision = name.removeprefix(PREFIX).partition("@")
    if _REPOSITORY.fullmatch(repository) is None:
        raise CheckpointError(f"{name} is not a repository of the Hub; write {PREFIX}owner/name, or with @revision")
    hub = _library()
    with _translated(f"cannot fetch {WEIGHTS_FILE} of {name}", "check the name, the network and your access"):
        return Path(
            hub.hf_hub_download(
                repository, WEIGHTS_FILE, revision=revision or None, library_name="segrec", library_version=VERSION
            )
        )


def push_weights(repository: str, write: Callable[[Path], None], *, card: str, private: bool, message: str) -> str:
    """Return the address of a repository that now holds the weights; it is made where it does not exist.

    Args:
        repository: `owner/name`, for an account that this machine is logged in to (`hf auth login`).
        write: writes the weights file that it is given the path of.
        card: what `README.md` says, where the repository has none yet.
        private: whether a new repository is hidden from others.
        message: of the commit.

    Raises:
        LibraryError: huggingface_hub is not installed.
        ConfigError: the name has another form.
        CheckpointError: the Hub refuses it, or cannot be reached.
    """
    if _REPOSITORY.fullmatch(repository) is None:
        raise ConfigError(f"{repository!r} is not the name of a repository; write owner/name, without {PREFIX}")
    hub = _library()
    with TemporaryDirectory() as folder:
        write(Path(folder) / WEIGHTS_FILE)
        with _translated(f"cannot push to {repository}", "check the name, the network and `hf auth login`"):
            api = hub.HfApi(library_name="segrec", library_version=VERSION)
            address = str(api.create_repo(repository, private=private, exist_ok=True))
            if not api.file_exists(repository, CARD_FILE):
                (Path(folder) / CARD_FILE).write_text(card, "utf-8")
            api.upload_folder(repo_id=repository, folder_path=folder, commit_message=message)
    return address


def _library() -> ModuleType:
    return package("huggingface_hub", f"the Hub is reached by huggingface_hub, which is not installed; {REMEDY}")


@contextmanager
def _translated(failure: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # its own classes and those of its HTTP library, of which each release has others
        reason = printable((str(error).strip().splitlines() or [type(error).__name__])[0])
        raise CheckpointError(f"{failure} ({reason}); {remedy}") from error
