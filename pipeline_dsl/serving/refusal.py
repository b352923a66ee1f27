"""Errors as OpenAI's interface spells them: `{"error": {"message", "type", "param", "code"}}` with an HTTP status."""

from typing import Any


class Refusal(Exception):
    """A request that is not answered, and why. `headers` go with the reply."""

    def __init__(self, status: int, code: str, message: str, *, param: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The reply, as JSON data."""
        return {"error": {"message": self.message, "type": _type(self.status), "param": self.param, "code": self.code}}


def _type(status: int) -> str:
    if status == 401:
        return "authentication_error"
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"
