import pytest

from local.bedrock.settings import LanguageModelServer, language_model_server


def test_without_a_url_the_extractive_model_answers() -> None:
    assert language_model_server({"ONGGI_LLM_MODEL": "any"}) is None


def test_the_server_is_read_from_the_environment() -> None:
    environ = {"ONGGI_LLM_URL": "http://127.0.0.1:8080/v1/", "ONGGI_LLM_MODEL": "small", "ONGGI_LLM_API_KEY": ""}
    assert language_model_server(environ) == LanguageModelServer("http://127.0.0.1:8080/v1", "small", None)


def test_a_server_of_one_model_needs_no_name() -> None:
    server = language_model_server({"ONGGI_LLM_URL": "http://127.0.0.1:8080/v1"})
    assert server
    assert server.model


def test_a_wrong_setting_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="must begin with http"):
        language_model_server({"ONGGI_LLM_URL": "file:///etc/passwd"})
