"""Makes the artifact roots of the functions that the benchmarks run importable."""

import sys
from pathlib import Path

for function in ("extract_text", "chunk_text"):
    sys.path.insert(0, str(Path(__file__).parents[3] / "functions" / function))
