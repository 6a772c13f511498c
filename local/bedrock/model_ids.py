"""Which model identifiers the local models answer to."""

import re

from local.bedrock.errors import invalid

TITAN_EMBED_V2 = "amazon.titan-embed-text-v2:0"

_MODEL = r"(?:[a-z]{2,6}(?:-[a-z]{3})?\.)?[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}(?:[.:][a-z0-9-]{1,63})*"
_ARN = r"arn:aws(?:-[a-z-]+)?:bedrock:[a-z0-9-]{1,20}:"
_TEXT_MODEL = re.compile(
    rf"{_MODEL}"
    rf"|{_ARN}:foundation-model/{_MODEL}"
    rf"|{_ARN}[0-9]{{12}}:inference-profile/{_MODEL}"
    rf"|{_ARN}[0-9]{{12}}:application-inference-profile/[a-z0-9]{{1,64}}"
)
_FOUNDATION_MODEL_ARN = re.compile(rf"{_ARN}:foundation-model/")
_NOT_TEXT = re.compile(r"embed|rerank|canvas|reel|sonic|image|stability\.|twelvelabs\.")


def check_embedding_model(model_id: str) -> None:
    """Lets pass Titan Text Embeddings V2, by its id or its foundation model ARN.

    Raises:
        ModelError: ValidationException, for every other identifier.
    """
    bare = _FOUNDATION_MODEL_ARN.sub("", model_id)
    if bare == TITAN_EMBED_V2:
        return
    if _TEXT_MODEL.fullmatch(model_id) and not _NOT_TEXT.search(model_id):
        raise invalid(f"Locally InvokeModel answers {TITAN_EMBED_V2} only. Call Converse for a text model.")
    raise invalid("The provided model identifier is invalid.")


def check_text_model(model_id: str) -> None:
    """Lets pass any identifier of a text model: all of them are answered by the one local model.

    Accepted are ``provider.model`` ids, cross-region inference profiles such as ``us.provider.model``, and the ARNs of
    foundation models, inference profiles and application inference profiles. Whether Bedrock offers the model is not
    checked, since that changes by region and day.

    Raises:
        ModelError: ValidationException, for anything else and for models that write no text.
    """
    if not _TEXT_MODEL.fullmatch(model_id):
        raise invalid("The provided model identifier is invalid.")
    if _NOT_TEXT.search(model_id):
        raise invalid(
            "This action doesn't support the model that you provided. Try again with a supported text or chat model."
        )
