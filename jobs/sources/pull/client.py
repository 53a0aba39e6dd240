"""Asking an HTTP interface in JSON: of one host only, as often as it takes, never more than was agreed."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from jobs.conf import Source, period
from jobs.conf.pull import FromHttp
from jobs.sources.pull.staging import PullError

log = logging.getLogger(__name__)
_AGAIN = (429, 500, 502, 503, 504)
_TURNS = 5  # redirects within the host
_LONGEST = 60.0  # seconds between two tries, when the host names none


class _Again(Exception):
    """It may go better another time: why, and after how many seconds, if the host said so."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


@dataclass(frozen=True)
class Answer:
    """What came: the JSON, and where the header says the next page is."""

    said: Any
    following: str | None


@dataclass
class Client:
    """Asks the contract's host."""

    source: Source
    pull: FromHttp
    headers: dict[str, str]
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.pull.most_mb << 20

    def ask(self, address: httpx.URL) -> Answer:
        """The answer at an address of the contract's host. PullError when another host is meant, or when it does not answer well in time."""
        for turn in range(1, self.pull.tries + 1):
            try:
                return self._once(address)
            except _Again as fault:
                wait = fault.after if fault.after is not None else min(2.0 ** (turn - 1), _LONGEST)
                if turn == self.pull.tries:
                    raise self._fault(f"{plain(address)}: {fault}, {turn} times; ask whoever runs it, or pull again later") from None
                if wait > period(self.pull.patience).total_seconds():
                    raise self._fault(f"{plain(address)}: {fault}, and asks for {wait:.0f} s of patience; pull.patience is {self.pull.patience}") from None
                log.info("%s: %s; again in %.0f s", self.source.name, fault, wait)
                time.sleep(wait)
        raise AssertionError("a try ends in an answer or in a fault")

    def must_be_ours(self, address: httpx.URL) -> None:
        """PullError when an address is not on the contract's host."""
        ours = httpx.URL(self.pull.url)
        if (address.scheme, address.host, _port(address)) != (ours.scheme, ours.host, _port(ours)):
            raise self._fault(f"is sent on to {address.scheme}://{address.netloc.decode()}; only {ours.scheme}://{ours.netloc.decode()}, which the contract names, is asked")

    def _once(self, address: httpx.URL) -> Answer:
        for _ in range(_TURNS):
            self.must_be_ours(address)
            try:
                with httpx.stream("GET", address, headers=self.headers, timeout=period(self.pull.timeout).total_seconds(), follow_redirects=False) as answer:
                    if answer.is_redirect:
                        address = address.join(answer.headers.get("Location", ""))
                        continue
                    self._must_be_well(answer)
                    return Answer(_json(self._body(answer)), answer.links.get("next", {}).get("url"))
            except (httpx.TransportError, httpx.DecodingError) as fault:
                raise _Again(f"no whole answer ({type(fault).__name__}: {str(fault)[:200]})") from None
        raise self._fault(f"{plain(address)}: sent on more than {_TURNS} times; correct pull.url")

    def _must_be_well(self, answer: httpx.Response) -> None:
        status = answer.status_code
        if status in _AGAIN:
            raise _Again(f"answers {status}", _retry_after(answer.headers.get("Retry-After")))
        if status in (401, 403):
            held = f"the token in {self.pull.token}" if self.pull.token else "a missing token (pull.token)"
            raise self._fault(f"{plain(answer.url)}: answers {status}: {held} is not accepted")
        if status != httpx.codes.OK:
            raise self._fault(f"{plain(answer.url)}: answers {status}, not 200; correct pull.url")

    def _body(self, answer: httpx.Response) -> bytes:
        """The whole body. PullError beyond the size that was agreed for all answers together."""
        parts, size = [], 0
        for part in answer.iter_bytes(1 << 16):
            size += len(part)
            if size > self.left:
                raise self._fault(f"sends more than {self.pull.most_mb} MB; narrow the question, or raise pull.most_mb")
            parts.append(part)
        self.left -= size
        return b"".join(parts)

    def _fault(self, said: str) -> PullError:
        return PullError(f"{self.source.name}: {said}")


def plain(address: httpx.URL) -> str:
    """An address without its query, which may name somebody."""
    return f"{address.scheme}://{address.netloc.decode()}{address.path}"


def decoded(text: str | bytes) -> Any:
    """JSON; a number with a fraction as its text, so that no digit of it is lost. ValueError when it is none."""
    return json.loads(text, parse_float=str, parse_constant=_no_number)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _json(body: bytes) -> Any:
    try:
        return decoded(body)
    except (ValueError, RecursionError):
        raise _Again("answers with what is no whole JSON") from None


def _port(address: httpx.URL) -> int | None:
    return address.port or {"http": 80, "https": 443}.get(address.scheme)


def _retry_after(text: str | None) -> float | None:
    """Seconds, given as such or as the date of their end (RFC 9110, 10.2.3)."""
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
