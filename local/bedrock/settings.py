"""Which model answers: the only reader of the environment in this package."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

UNNAMED_MODEL = "default"
"""Asked for where no model is named: a server that runs one model answers with it under any name."""


@dataclass(frozen=True)
class LanguageModelServer:
    """An OpenAI-compatible server that answers instead of the extractive model.

    Attributes:
        url: base address that ``/chat/completions`` is added to, without a slash at its end.
        model: name the server knows its model by.
        api_key: bearer credential, or None for a server that asks for none.
    """

    url: str
    model: str
    api_key: str | None


def language_model_server(environ: Mapping[str, str] = os.environ) -> LanguageModelServer | None:
    """Reads ``ONGGI_LLM_URL``, ``ONGGI_LLM_MODEL`` and ``ONGGI_LLM_API_KEY``.

    Returns:
        The server, or None when no URL is set: the extractive model answers then.

    Raises:
        ValueError: the URL is not http(s).
    """
    url = environ.get("ONGGI_LLM_URL", "").strip().rstrip("/")
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        raise ValueError("ONGGI_LLM_URL must begin with http:// or https://.")
    model = environ.get("ONGGI_LLM_MODEL", "").strip() or UNNAMED_MODEL
    return LanguageModelServer(url, model, environ.get("ONGGI_LLM_API_KEY") or None)
