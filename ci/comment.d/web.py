"""Requests to a forge: time limits, patience where it is busy, and a token that nobody sees."""

import email.utils
import http.client
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

# What an answer may weigh; a page of a hundred comments of a million characters is below it.
LARGEST = 256 * 1024 * 1024


class Wrong(Exception):
    """What a person is told, and the exit code."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Unsure(Exception):
    """A request that may or may not have been carried out."""


class Refused(Exception):
    """The forge understood and says no."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def plain(text, most=300):
    """Others' text on one line of a log: nothing in it is a command to the terminal or to the runner that reads the log."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(text))
    text = re.sub(r"\s+", " ", text).strip().replace("::", ": :").replace("##[", "## [")
    return text if len(text) <= most else text[:most] + "…"


def say(text):
    print(f"ci/comment: {text}", file=sys.stderr, flush=True)


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the token is for one host."""

    def redirect_request(self, *_):
        return None


class Web:
    def __init__(self, api, headers, secret, timeout, patience, backoff):
        self.api = api.rstrip("/")
        self.headers = {"User-Agent": "kubezero-comment", "Accept": "application/json", **headers}
        self.secret = secret
        self.timeout = timeout
        self.patience = patience
        self.backoff = backoff
        self.opener = urllib.request.build_opener(Stay)
        where = urllib.parse.urlsplit(self.api)
        local = where.hostname in ("localhost", "127.0.0.1", "::1")
        if where.scheme not in ("http", "https") or not where.hostname:
            raise Wrong(2, f"{plain(api)} is no address of an API; it begins with https://")
        if where.scheme == "http" and not local:
            raise Wrong(2, f"{plain(api)} has no https, and the token would be readable on the way; use https")

    def hidden(self, text):
        return plain(text).replace(self.secret, "***") if self.secret else plain(text)

    def get(self, path, **query):
        return self.ask("GET", path, query=query)

    def ask(self, method, path, body=None, query=None, api=None):
        """The answer's JSON and headers. Raises `Unsure` only for what must not be sent twice: POST."""
        url = (api or self.api) + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        waited, tries = 0.0, 0
        while True:
            tries += 1
            request = urllib.request.Request(url, data=data, method=method, headers=dict(self.headers))
            if data is not None:
                request.add_header("Content-Type", "application/json")
            try:
                with self.opener.open(request, timeout=self.timeout) as answer:
                    return self.read(answer, method, path)
            except urllib.error.HTTPError as error:
                with error:
                    text = self.message(error)
                pause = self.pause(error, text, tries)
                if pause is None:
                    raise Refused(error.code, self.hidden(text)) from None
                if method == "POST" and error.code >= 500:
                    raise Unsure(f"it answered {error.code}") from None
                why = "it asks to wait" if error.code in (403, 429) else f"it answered {error.code}"
            except (OSError, http.client.HTTPException) as error:
                # A time-out, a refused or broken connection, a name that is not found.
                reason = getattr(error, "reason", error)
                if method == "POST" and not isinstance(reason, ConnectionRefusedError):
                    raise Unsure(self.hidden(reason)) from None
                why, pause = self.hidden(reason) or type(reason).__name__, self.backoff * 2 ** (tries - 1)
            if waited + pause > self.patience:
                raise Wrong(
                    4, f"{method} {path}: {why}; {tries} tries in {waited:.0f} s, and the next would be in {pause:.0f} s. Run this step again later"
                )
            say(f"{method} {path}: {why}, try {tries + 1} in {pause:.1f} s")
            time.sleep(pause)
            waited += pause

    def read(self, answer, method, path):
        text = answer.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise Wrong(1, f"{method} {path}: the answer is larger than {LARGEST} bytes")
        if not text.strip():
            return None, answer.headers
        try:
            return json.loads(text), answer.headers
        except ValueError:
            raise Wrong(1, f"{method} {path}: the answer is not JSON; is {self.hidden(self.api)} the address of the API?") from None

    @staticmethod
    def message(error):
        try:
            text = error.read(65_536).decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return ""
        try:
            found = json.loads(text)
        except ValueError:
            return "" if text.lstrip().startswith("<") else text
        return found.get("message") or found.get("error") or "" if isinstance(found, dict) else ""

    def pause(self, error, text, tries):
        """Seconds until the next try; nothing where it would be in vain."""
        limited = error.code == 429 or (
            error.code == 403
            and (
                error.headers.get("Retry-After")
                or error.headers.get("X-RateLimit-Remaining") == "0"
                or "rate limit" in str(text).lower()
            )
        )
        if not limited and error.code not in (408, 500, 502, 503, 504):
            return None
        told = error.headers.get("Retry-After")
        if told:
            try:
                return max(0.0, float(told))
            except ValueError:
                try:
                    return max(0.0, email.utils.parsedate_to_datetime(told).timestamp() - time.time())
                except (TypeError, ValueError):
                    pass
        reset = error.headers.get("X-RateLimit-Reset") or error.headers.get("RateLimit-Reset")
        if limited and reset and reset.isdigit():
            return max(1.0, int(reset) - time.time())
        # A limit that names no time asks for a minute at least.
        return (60 if limited and self.backoff >= 1 else self.backoff) * 2 ** (tries - 1)
