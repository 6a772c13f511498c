import pytest

from readers.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("임대인은 임차인에게 계약 기간이 끝나기 전까지 보증금을 반환하여야 한다.", "ko"),
        ("AWS Lambda와 Amazon S3를 이용한 서버리스 아키텍처의 설계와 운영", "ko"),
        ("大韓民國은 民主共和國이다. 모든 권력은 국민으로부터 나온다.", "ko"),
        ("The landlord shall return the deposit to the tenant before the end of the term.", "en"),
        ("The Korean word for contract is 계약, and it is used throughout this document.", "en"),
        ("賃貸人は契約期間の終了前に保証金を賃借人に返還しなければならない。", "ja"),
        ("東京都庁第一本庁舎のご案内", "ja"),
        ("出租人应当在合同期限届满前将押金退还承租人。", "zh"),
        ("Der Vermieter muss die Kaution vor dem Ende der Laufzeit an den Mieter zurückzahlen.", "und"),
        ("Le bailleur doit restituer le dépôt de garantie avant la fin du contrat de location.", "und"),
        ("El arrendador debe devolver la fianza antes de que termine el plazo del contrato.", "und"),
        ("Арендодатель обязан вернуть залог до окончания срока.", "und"),
        ("INV-2026-0042 1,200.00 KRW", "und"),
        ("12 34 56", "und"),
        ("", "und"),
    ],
)
def test_language(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_long_cover_in_another_language_does_not_decide() -> None:
    cover = "The landlord shall return the deposit to the tenant before the end of the term. " * 60
    body = "임대인은 임차인에게 계약 기간이 끝나기 전까지 보증금을 반환하여야 한다. " * 400
    assert language_of(cover + body) == "ko"
