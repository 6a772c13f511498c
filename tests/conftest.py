"""How many examples each property gets: few on each push, many in `make nightly`.

`pytest --hypothesis-profile=nightly` chooses the many. Cases named by `@example` run in both.
"""

from typing import Final

from hypothesis import settings

FEW: Final = 25
MANY: Final = 1500

# A busy machine is no failure, so an example has no deadline of its own.
settings.register_profile("push", derandomize=True, deadline=None, max_examples=FEW)
# New examples each night; what fails is printed so that it can be added as an `@example`.
settings.register_profile("nightly", deadline=None, max_examples=MANY, print_blob=True)
settings.load_profile("push")
