"""Build a data folder from the public sources, by the committed list of films.

manifest  assets/dataset.csv: written from a data folder's manifest, read to know which films to download
sources   where original files come from: GitHub, Kaggle, a local folder
http      one download, with limits, timeouts and retries
images    converts an original file to a film of a data folder, and checks existing films
run       the whole download: skips films that are present, reports those that are missing
"""

from __future__ import annotations

from covid_model.data.download.http import DownloadError, Failure, Patience
from covid_model.data.download.images import write_list, write_part
from covid_model.data.download.run import DownloadReport, Missing, download

__all__ = ["DownloadError", "DownloadReport", "Failure", "Missing", "Patience", "download", "write_list", "write_part"]
