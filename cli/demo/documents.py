"""Two invented companies: their documents, their questions, and the facts that the answers must contain."""

from dataclasses import dataclass

from cli.demo.pdf import make_pdf


@dataclass(frozen=True)
class DemoDocument:
    """A document of a company.

    Attributes:
        path: The key below the tenant's prefix.
        title: The title of a PDF.
        pages: The text; a document without pages has one.
    """

    path: str
    content_type: str
    title: str
    pages: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole text."""
        return "\n\n".join(self.pages)

    @property
    def content(self) -> bytes:
        """The file."""
        if self.content_type == "application/pdf":
            return make_pdf(list(self.pages), self.title)
        return self.text.encode()


@dataclass(frozen=True)
class Question:
    """A question, the fact that a correct answer contains, and the fact's document and page."""

    text: str
    fact: str
    path: str
    page: int | None = None


@dataclass(frozen=True)
class Company:
    """A tenant of the demonstration.

    Attributes:
        dropped: The documents that are put into S3 directly.
        posted: The documents that are uploaded through the API.
        questions: The questions that it asks.
        secret: The question whose answer no other tenant may find.
    """

    tenant_id: str
    name: str
    dropped: tuple[DemoDocument, ...]
    posted: tuple[DemoDocument, ...]
    questions: tuple[Question, ...]
    secret: Question

    @property
    def documents(self) -> tuple[DemoDocument, ...]:
        """All documents."""
        return self.dropped + self.posted


MARKDOWN, PLAIN, PDF = "text/markdown", "text/plain", "application/pdf"

RULES = DemoDocument(
    "인사/취업규칙.pdf",
    PDF,
    "한빛가전 취업규칙",
    (
        """한빛가전 취업규칙

제1장 근무 시간

정규 근무 시간은 오전 9시부터 오후 6시까지이며 점심시간은 한 시간입니다.
재택근무는 팀장의 승인을 받아 일주일에 이틀까지 할 수 있습니다.
늦을 것 같으면 근무를 시작하기 전에 팀장에게 알립니다.""",
        """제2장 휴가

입사하고 1년이 지난 직원의 연차 휴가는 15일입니다.
연차 휴가는 반나절 단위로 나누어 쓸 수 있습니다.
본인이 결혼하면 경조 휴가 5일을 따로 받습니다.""",
    ),
)

FRIDGE_TEXT = """# 김치냉장고 KF-450 사용 설명서

## 보증

김치냉장고 KF-450의 컴프레서 보증 기간은 {years}년입니다.
나머지 부품은 구입한 날부터 1년 동안 무상으로 수리합니다.

## 보관 온도

김장 김치는 영하 1도에서 보관합니다.
문을 오래 열어 두면 경고음이 납니다.
"""
FRIDGE_PATH = "제품/김치냉장고 KF-450.md"
FRIDGE = DemoDocument(FRIDGE_PATH, MARKDOWN, "", (FRIDGE_TEXT.format(years=3),))
FRIDGE_REPLACED = DemoDocument(FRIDGE_PATH, MARKDOWN, "", (FRIDGE_TEXT.format(years=7),))

TRAVEL = DemoDocument(
    "travel/expenses.txt",
    PLAIN,
    "",
    (
        """Travel expenses at Hanbit Appliances

For a hotel in Korea, employees may claim up to 80,000 won per night.
Trains are booked in standard class, and taxis need a receipt.
Claims are sent to the finance team by the fifth of the next month.
""",
    ),
)

HANDBOOK = DemoDocument(
    "people/handbook.pdf",
    PDF,
    "Ridgeline Outdoor Employee Handbook",
    (
        """Ridgeline Outdoor Employee Handbook

Full-time employees receive 25 days of paid annual leave every year.
Up to four unused days move into the next year.
Public holidays are free and do not count as leave.
The shop opens at ten, and the first shift begins half an hour earlier.""",
    ),
)

RETURNS = DemoDocument(
    "support/returns.md",
    MARKDOWN,
    "",
    (
        """# Returning a tent

A customer can return a tent within 60 days of buying it.
The tent must be dry, clean and complete with its poles and pegs.
The money goes back to the card that was used to pay.
""",
    ),
)

SEOUL = DemoDocument(
    "서울/지점 안내.txt",
    PLAIN,
    "",
    (
        """리지라인 아웃도어 서울 지점 안내

서울 지점은 매주 월요일에 쉽니다.
다른 날에는 오전 10시 30분에 문을 열고 오후 8시에 닫습니다.
배낭과 등산화는 매장에서 직접 신고 메어 볼 수 있습니다.
""",
    ),
)

SECURITY = DemoDocument(
    "it/security.md",
    MARKDOWN,
    "",
    (
        """# Security at Ridgeline Outdoor

A lost laptop is reported to the security desk within two hours.
Every laptop has an encrypted disk.
Visitors wear a yellow badge and are met at the door.
""",
    ),
)

WARRANTY_QUESTION = Question("김치냉장고 KF-450의 컴프레서 보증 기간은 몇 년인가요?", "3년", FRIDGE.path)
WARRANTY_QUESTION_AFTER = Question(WARRANTY_QUESTION.text, "7년", FRIDGE.path)
RETURN_QUESTION = Question("Within how many days can a customer return a tent?", "60 days", RETURNS.path)

HANBIT = Company(
    tenant_id="hanbit",
    name="한빛가전",
    dropped=(RULES, FRIDGE, TRAVEL),
    posted=(),
    questions=(
        Question("입사하고 1년이 지난 직원의 연차 휴가는 며칠인가요?", "15일", RULES.path, page=2),
        WARRANTY_QUESTION,
        Question("How much may employees claim per night for a hotel in Korea?", "80,000", TRAVEL.path),
    ),
    secret=WARRANTY_QUESTION,
)

RIDGELINE = Company(
    tenant_id="ridgeline",
    name="Ridgeline Outdoor",
    dropped=(HANDBOOK, RETURNS, SEOUL),
    posted=(SECURITY,),
    questions=(
        Question(
            "How many days of paid annual leave do full-time employees receive?", "25 days", HANDBOOK.path, page=1
        ),
        RETURN_QUESTION,
        Question("서울 지점은 무슨 요일에 쉬나요?", "월요일", SEOUL.path),
    ),
    secret=RETURN_QUESTION,
)

COMPANIES = (HANBIT, RIDGELINE)
