"""Makes the artifact root of chunk_text importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "functions" / "chunk_text"))
