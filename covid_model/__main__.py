"""`python -m covid_model`: see covid_model.cli."""

from __future__ import annotations

import sys

from covid_model.cli import main

if __name__ == "__main__":
    sys.exit(main())
