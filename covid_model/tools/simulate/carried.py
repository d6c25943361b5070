"""Add the one real film whose license allows a copy here: RG1 of the NEMA test set, from pydicom-data (MIT).

    python -m covid_model.tools.simulate.carried pydicom_data-1.0.0-py3-none-any.whl assets/films

Its pixels are unchanged and losslessly compressed; identifying values are removed from its header.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

from covid_model import config
from covid_model.tools.simulate.write import update_listing

SOURCE, NAME = "RG1_J2KR.dcm", "rg1.dcm"
EMPTIED = (  # tags that the standard requires, if only empty
    "PatientBirthDate",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyDate",
    "SeriesDate",
    "ContentDate",
    "StudyTime",
    "SeriesTime",
    "ContentTime",
)
REMOVED = ("OtherPatientIDs", "ImageComments", "DeviceSerialNumber", "DateOfLastCalibration")
ENTRY = {
    "id": "rg1",
    "file": NAME,
    "title": "Real X-ray: RG1 of the NEMA test set",
    "shows": "A PA chest X-ray with round shadows of several centimeters in both lungs, as DICOM.",
    "simulated": False,
    "view": "PA",
    "lesion": None,
    "mask": None,
    "lungs": None,
    "covid": None,
    "width": 1841,
    "height": 1955,
    "seed": None,
    "parameters": None,
    "credit": (
        "RG1 of the DICOM compression samples (NEMA, 2004; D. A. Clunie), taken from pydicom-data 1.0.0 (Copyright "
        "2020 Dicom in Python, MIT license). Pixels unchanged; dates, numbers and comments removed from the header."
    ),
}


def carry(wheel: Path, to: Path) -> None:
    """Copy RG1 from a wheel of pydicom-data to the folder of films and add it to `films.json`."""
    import pydicom

    with zipfile.ZipFile(wheel) as archive:
        entry = next((name for name in archive.namelist() if name.endswith("/" + SOURCE)), None)
        if entry is None:
            raise ValueError(f"Expected a wheel of pydicom-data with {SOURCE}. Received: {wheel}.")
        film = pydicom.dcmread(io.BytesIO(archive.read(entry)))
    for tag in EMPTIED:
        if tag in film:
            film[tag].value = ""
    for tag in REMOVED:
        if tag in film:
            del film[tag]
    to.mkdir(parents=True, exist_ok=True)
    film.save_as(to / NAME)
    update_listing(to / config.FILMS_JSON.name, [ENTRY], replacing=lambda old: old["id"] == ENTRY["id"])


if __name__ == "__main__":
    carry(Path(sys.argv[1]), Path(sys.argv[2]))
