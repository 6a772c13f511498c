"""Makes the artifact root of authorize importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "functions" / "authorize"))
