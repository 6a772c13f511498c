"""The extractive language model of the local cloud: it quotes, and never writes a fact of its own."""

from functools import partial

from local.bedrock.answerer import choose_quotes, is_korean
from local.bedrock.conversation import Conversation
from local.bedrock.reply import Citation, Piece
from local.bedrock.text_model import TextModel

_LEAD = {True: "문서에서 찾은 내용입니다.", False: "This is what the documents say."}
_NO_ANSWER = {
    True: "제공된 문서에서 이 질문에 대한 답을 찾을 수 없습니다.",
    False: "The documents provided do not contain an answer to this question.",
}
_NO_RESULTS = {
    True: "로컬 모델은 검색 결과에 있는 내용으로만 답합니다. 요청에 검색 결과가 없어 답할 수 없습니다.",
    False: "The local model answers from search results only, and this request holds none.",
}


def answer(conversation: Conversation, model: TextModel) -> list[Piece]:
    """Answers the last question of a conversation with sentences of its search results.

    The system prompt and the earlier turns are not followed: there is nobody to instruct. For the same reason text in a
    document that gives orders is text like any other, quoted when it fits the question and left when it does not.

    Returns:
        A lead in the language of the question and one piece for each quotation; or one piece that says there is no
        answer.
    """
    question = conversation.question
    korean = is_korean(question)
    if not conversation.results:
        return [Piece(_NO_RESULTS[korean])]
    embed = partial(model.embed, urgent=True)
    quotes = choose_quotes(question, conversation.results, embed) if question.strip() else []
    if not quotes:
        return [Piece(_NO_ANSWER[korean])]
    quoted = [
        Piece(f"\n{quote.sentence.text}", (Citation(quote.result, quote.block, quote.sentence.text),))
        for quote in quotes
    ]
    lead = Piece(_LEAD[korean])
    return [lead, *quoted] if conversation.cited else [lead, *(Piece(piece.text) for piece in quoted)]
