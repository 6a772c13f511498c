from tests.unit.cli.fakes import Shell, reply
from tests.unit.cli.uploads import BASE

ANSWER = {
    "answer": "연차 휴가는 15일입니다. [1]",
    "grounded": True,
    "citations": [
        {
            "marker": 1,
            "document_id": "d1",
            "document_name": "취업규칙.pdf",
            "page": 2,
            "start": 0,
            "end": 14,
            "quote": "연차 휴가는\n15일입니다.",
            "score": 0.8,
        }
    ],
    "model": "claude",
    "usage": {"embedding_tokens": 3, "input_tokens": 1834, "output_tokens": 143, "cost_usd": "0.000412"},
    "latency_ms": {"retrieve": 41, "generate": 630, "total": 688},
}


def test_ask_prints_the_answer_and_its_citations(shell: Shell) -> None:
    shell.store_key("hanbit")
    shell.transport.on("POST", f"{BASE}/query", reply(200, ANSWER))
    assert shell.run("ask", "연차 휴가는 며칠인가요?") == 0
    assert shell.transport.sent[0].json == {"question": "연차 휴가는 며칠인가요?"}
    assert shell.out.getvalue().splitlines() == [
        "연차 휴가는 15일입니다. [1]",
        "",
        '[1] 취업규칙.pdf, page 2: "연차 휴가는 15일입니다."',
        "claude · 1,834 + 143 tokens · $0.000412 · 688 ms",
    ]


def test_ask_prints_the_response_as_json(shell: Shell) -> None:
    shell.store_key("hanbit")
    shell.transport.on("POST", f"{BASE}/query", reply(200, ANSWER))
    assert shell.run("--json", "ask", "x") == 0
    assert shell.printed == ANSWER


def test_an_answer_cannot_control_the_terminal(shell: Shell) -> None:
    shell.store_key("hanbit")
    hostile = {**ANSWER, "answer": "\x1b[2J[bold]\x9b31m", "citations": []}
    shell.transport.on("POST", f"{BASE}/query", reply(200, hostile))
    assert shell.run("ask", "x") == 0
    assert shell.out.getvalue().startswith("�[2J[bold]�31m\n")


def test_search_prints_the_passages(shell: Shell) -> None:
    shell.store_key("hanbit")
    passage = {"document_name": "가.md", "page": 1, "text": "첫 줄\n둘째 줄", "score": 0.81234}
    shell.transport.on("POST", f"{BASE}/retrieve", reply(200, {"passages": [passage], "usage": {}}))
    assert shell.run("search", "줄") == 0
    assert shell.out.getvalue().splitlines()[1].split() == ["0.812", "가.md", "1", "첫", "줄", "둘째", "줄"]
