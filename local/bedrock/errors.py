"""The errors Amazon Bedrock Runtime answers with, under their codes and HTTP statuses."""

STATUS_OF_CODE = {
    "ValidationException": 400,
    "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ThrottlingException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}
"""HTTP status of each error, as the service model of ``bedrock-runtime`` declares it."""


class ModelError(Exception):
    """A refusal or failure, as Bedrock Runtime would answer it.

    Attributes:
        code: name of the error, a key of ``STATUS_OF_CODE``.
        status: HTTP status that belongs to the code.
        message: sentence for the caller; never holds text of the request.
    """

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message


def model_error(code: str, message: str) -> ModelError:
    """Makes the error of that code, with the status that belongs to it.

    Raises:
        KeyError: the code is none of ``STATUS_OF_CODE``.
    """
    return ModelError(code, STATUS_OF_CODE[code], message)


def invalid(message: str) -> ModelError:
    """Makes the ``ValidationException`` that carries this sentence."""
    return model_error("ValidationException", message)
