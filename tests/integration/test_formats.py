"""Files of every format, from the upload to the passage."""

import pytest

from cli.demo.pdf import make_pdf
from tests.files.bombs import make_self_referencing_form
from tests.files.samples import MAKERS, make_sample
from tests.integration.product import Product, Tenant


@pytest.mark.parametrize("name", MAKERS)
def test_a_file_of_each_format_is_found_by_its_text(tenant: Tenant, name: str) -> None:
    document = tenant.ready(f"formats/{name}", make_sample(name))
    text = tenant.extracted_text(document)
    assert document["needs_ocr"] == 0
    question = text.strip()[:80]
    own = {"document_id": {"$eq": document["document_id"]}}
    passages = tenant.retrieve(question, filter=own)["passages"]
    assert passages
    assert all(passage["text"] == text[passage["start"] : passage["end"]] for passage in passages)


def test_a_file_with_a_wrong_extension_is_read(tenant: Tenant) -> None:
    document = tenant.ready("규정.bin", make_sample("sample.hwpx"), ContentType="application/octet-stream")
    assert document["chunks"] > 0


def test_a_korean_pdf_whose_font_has_no_unicode_map_is_read_exactly(tenant: Tenant) -> None:
    sentence = "회의록. 다음 회의는 월요일에 한다."
    document = tenant.ready("옛날.pdf", make_pdf([sentence], "회의록", with_unicode_map=False))
    assert tenant.extracted_text(document) == sentence


def test_a_file_that_crashes_its_reader_affects_no_other_file(tenant: Tenant) -> None:
    hostile = tenant.ingest("bomb.pdf", make_self_referencing_form())
    assert (hostile["status"], hostile["chunks"]) == ("failed", 0)
    assert hostile["error"]["code"] in {"too_large", "timeout", "corrupt", "no_text"}
    assert tenant.ready("after.txt", "장독대에는 옹기가 줄지어 있다.")["chunks"] == 1


def test_chunks_have_the_size_of_the_tenants_setting(product: Product) -> None:
    body = {"tenant_id": "smallchunks", "name": "작은 조각", "tier": "basic", "settings": {"chunk_size": 200}}
    assert product.as_operator("POST", "/admin/tenants", body).status == 202
    tenant = Tenant(product, "smallchunks", product.issue_key("smallchunks"))
    document = tenant.ready("long.txt", " ".join(f"이것은 {number}번째 문장이다." for number in range(200)))
    passages = tenant.retrieve("백 번째 문장", top_k=50)["passages"]
    assert document["chunks"] >= 15
    assert max(len(passage["text"]) for passage in passages) <= 200
