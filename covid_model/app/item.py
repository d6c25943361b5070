"""A film to read: an upload, or one of ours."""

from __future__ import annotations

from dataclasses import dataclass

from streamlit.typing import UploadedFile

from covid_model import films, settings
from covid_model.app.ours import OurFilm
from covid_model.films import FilmError


@dataclass(frozen=True)
class Item:
    """A film to read. `name` is fit to be shown as plain text; one of `upload` and `ours` is there."""

    name: str
    upload: UploadedFile | None = None
    ours: OurFilm | None = None

    @classmethod
    def of_upload(cls, upload: UploadedFile) -> Item:
        return cls(films.show_name(upload.name), upload=upload)

    @classmethod
    def of_ours(cls, ours: OurFilm) -> Item:
        return cls(ours.id, ours=ours)

    def data(self) -> bytes:
        """The file's bytes. Raises FilmError where it is too large, cannot be read or is named as no film is."""
        if self.upload is None:
            try:
                return self.ours.path.read_bytes()
            except OSError as error:
                raise FilmError(f"The picture of {self.name} could not be read: {error.strerror}.") from error
        if not self.upload.name.lower().endswith(tuple(f".{ending}" for ending in settings.UPLOAD_TYPES)):
            raise FilmError(f"The name of a film's file must end in one of {', '.join(settings.UPLOAD_TYPES)}.")
        if self.upload.size > settings.MAX_BYTES:
            limit, came = settings.MAX_BYTES / 2**20, self.upload.size / 2**20
            raise FilmError(f"A film's file may have at most {limit:.0f} MB; this one has {came:.1f} MB.")
        return self.upload.getvalue()
