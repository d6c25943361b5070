"""Building a data folder from the public sources, and the committed list of films that says what belongs in it.

listing   assets/dataset.csv: written from a data folder's manifest, read as the films wanted
sources   where a source's original files come from: GitHub, Kaggle, a folder on this computer
web       one download, with limits, time-outs and retries
pictures  an original file made into a film of a data folder, and whether a film there is whole
run       the whole of it: what is there is skipped, what is missing is reported
"""

from __future__ import annotations

from covid_model.data.download.http import DownloadError, Patience
from covid_model.data.download.manifest import write_list, write_part
from covid_model.data.download.run import DownloadReport, Missing, download

__all__ = ["DownloadError", "DownloadReport", "Missing", "Patience", "download", "write_list", "write_part"]
