"""The `pull` section of a contract: where a source's files are fetched from. No credential stands in it, only the name of a variable that holds one."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field, model_validator

from jobs.conf.base import Strict

_SECRET = re.compile(r"pass(word|wd|phrase)?|pwd|secret|credentials?|dsn|api_?key|access_?key|auth|token|sig(nature)?", re.I)


def _without_secret(url: str) -> str:
    parts = urlsplit(url)
    if parts.username or parts.password or any(_SECRET.fullmatch(key) for key, _ in parse_qsl(parts.query)):
        raise ValueError("the address carries a credential; take it out and name an environment variable that holds it")
    return url


def _place(url: str) -> str:
    if not url.startswith("/") and not re.match(r"(file|s3|gs|gcs|hdfs|viewfs|abfss?)://", url):
        raise ValueError("must be an absolute folder or the address of a prefix: file://, s3://, gs://, abfs://, hdfs://")
    return _without_secret(url)


Span = Annotated[str, Field(pattern=r"^\d{1,6}[dhms]$")]


class _From(Strict):
    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, said: Any) -> Any:
        """Refuses an unknown key without repeating its value, which may be a credential."""
        odd = sorted(str(k) for k in said if k not in cls.model_fields) if isinstance(said, dict) else []
        if any(_SECRET.fullmatch(k) for k in odd):
            raise ValueError(f"{', '.join(odd)}: a credential never stands in a contract; name the environment variable that holds it")
        if odd:
            raise ValueError(f"{', '.join(odd)}: no such key; known keys: {', '.join(sorted(cls.model_fields))}")
        return said


class FromFolder(_From):
    """New files of a folder, or of a prefix in an object store. They stay where they are."""

    kind: Literal["folder"]
    url: Annotated[str, AfterValidator(_place)] = Field(description="absolute folder, or file://, s3://, gs://, abfs://, hdfs://")
    recursive: bool = Field(default=False, description="also what lies in folders below")
    settle: Span = Field(default="2m", description="a file changed within this time is still being written, and is left")


Pull = FromFolder
