"""The list of simulated films: body, geometry, lesion and processing of each."""

from __future__ import annotations

from dataclasses import dataclass, field

from covid_model.tools.simulate.ct import Build, Lesion
from covid_model.tools.simulate.film import Geometry, Look


@dataclass(frozen=True)
class Letter:
    """A lead letter: see `film.letter`."""

    text: str
    at: tuple[float, float]
    size: float = 0.030
    ring: bool = False


@dataclass(frozen=True)
class Recipe:
    """One film.

    Attributes:
        id: also the file's name.
        title: shown in lists; begins with "Simulated:".
        shows: a sentence that describes the film.
        seed: of its random parts.
        covid: 1 for ground glass as in COVID-19, 0 otherwise.
        build, geometry, look: body, rays, exposure and processing.
        lesion: in the lungs or beside them, or None.
        letters, electrodes, shutters: objects on the film, see `film`; the wires leave at `wires_leave`.
    """

    id: str
    title: str
    shows: str
    seed: int
    covid: int = 0
    build: Build = field(default_factory=Build)
    geometry: Geometry = field(default_factory=Geometry)
    look: Look = field(default_factory=Look)
    lesion: Lesion | None = None
    letters: tuple[Letter, ...] = ()
    electrodes: tuple[tuple[float, float], ...] = ()
    wires_leave: tuple[float, float] = (0.9, 1.05)
    shutters: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


AVERAGE = Build(width=1.03, fat=6)
SLIM = Build(width=0.94, depth=0.92, height=1.06)
BROAD = Build(width=1.10, depth=1.10, height=0.92, fat=16, heart=0.08)
WOMAN = Build(width=0.96, height=0.98, fat=5, breasts=38)
BEDSIDE = Build(width=1.06, depth=1.04, height=0.90, fat=10, heart=0.14)

IN_BED = Geometry("AP", distance=1050, gap=45, margins=(36, 16, 36, 12))
BED_LOOK = Look(scatter=1.5, quanta=260, lung=0.36, dense=0.82, edge=0.7, level=0.25)
L_TOP = (Letter("L", (0.945, 0.07)),)

RECIPES = (
    Recipe(
        "clear-average",
        "Simulated: clear lungs",
        "Clear lungs of an average body, standing, posteroanterior (PA) view.",
        11,
        build=AVERAGE,
        letters=L_TOP,
    ),
    Recipe(
        "clear-slim",
        "Simulated: clear lungs, slim body",
        "Clear, long lungs of a slim body, PA, with collimator shutters on two sides.",
        12,
        build=SLIM,
        geometry=Geometry(margins=(30, 16, 30, 28)),
        look=Look(lung=0.27, level=0.3),
        letters=(Letter("R", (0.075, 0.08), 0.032),),
        shutters=(0.022, 0.0, 0.028, 0.0),
    ),
    Recipe(
        "clear-broad",
        "Simulated: clear lungs, broad body",
        "Clear lungs of a broad body, PA: more scatter, less contrast.",
        13,
        build=BROAD,
        geometry=Geometry(margins=(38, 16, 38, 30)),
        look=Look(scatter=1.5, quanta=260, lung=0.36, dense=0.84),
        letters=(Letter("L", (0.94, 0.08), 0.034),),
    ),
    Recipe(
        "clear-woman",
        "Simulated: clear lungs, breast shadows",
        "Clear lungs, PA; the haze over the lower zones is breast tissue.",
        14,
        build=WOMAN,
        look=Look(lung=0.31, dense=0.83),
        letters=(Letter("L", (0.93, 0.10), 0.026, ring=True),),
    ),
    Recipe(
        "clear-turned",
        "Simulated: clear lungs, body and X-ray rotated",
        "Clear lungs, PA, of a body turned by 8 degrees; the X-ray is rotated by 3 degrees.",
        15,
        build=Build(width=1.02, fat=4, turn=8),
        geometry=Geometry(aim=60, margins=(36, 14, 36, 6)),
        look=Look(lean=3, lung=0.31),
        letters=L_TOP,
    ),
    Recipe(
        "clear-bedside",
        "Simulated: clear lungs, at the bedside",
        "Clear lungs, anteroposterior (AP) view at 105 cm: the heart looks larger, the lungs shorter.",
        16,
        build=BEDSIDE,
        geometry=IN_BED,
        look=BED_LOOK,
        letters=(Letter("AP", (0.075, 0.07), 0.024), Letter("L", (0.93, 0.07), 0.032)),
        shutters=(0.0, 0.0, 0.0, 0.025),
    ),
    Recipe(
        "consolidation-right-upper",
        "Simulated: dense right upper lobe",
        "A dense right upper lobe with a sharp lower edge at the fissure, PA.",
        21,
        build=AVERAGE,
        lesion=Lesion("consolidation", where="right upper"),
        letters=L_TOP,
    ),
    Recipe(
        "consolidation-left-lower",
        "Simulated: dense left lower lobe",
        "A dense left lower lobe behind the heart, AP at the bedside.",
        22,
        build=BEDSIDE,
        geometry=IN_BED,
        look=BED_LOOK,
        lesion=Lesion("consolidation", where="left lower"),
        letters=(Letter("L", (0.93, 0.08), 0.030, ring=True),),
    ),
    *(
        Recipe(
            f"ground-glass-{grade}",
            f"Simulated: ground glass, grade {grade}",
            f"{haze}, PA.",
            31,
            covid=1,
            build=AVERAGE,
            lesion=Lesion("ground glass", grade),
            letters=L_TOP,
        )
        for grade, haze in enumerate(
            (
                "Faint haze at the edges of both lungs, the mildest of three grades",
                "Patchy haze at the edges of both lungs, the middle one of three grades",
                "Dense haze over most of both lungs, the heaviest of three grades",
            ),
            1,
        )
    ),
    Recipe(
        "ground-glass-bedside",
        "Simulated: ground glass, grade 3, at the bedside",
        "Dense haze over both lungs under ECG electrodes and their wires, AP at the bedside.",
        34,
        covid=1,
        build=BEDSIDE,
        geometry=IN_BED,
        look=BED_LOOK,
        lesion=Lesion("ground glass", 3),
        letters=(Letter("AP", (0.08, 0.07), 0.024),),
        electrodes=((0.17, 0.20), (0.80, 0.19), (0.82, 0.66)),
        wires_leave=(0.62, 1.05),
    ),
    Recipe(
        "effusion-left",
        "Simulated: effusion on the left",
        "Fluid around the base of the left lung, rising along the chest wall, PA.",
        41,
        build=AVERAGE,
        lesion=Lesion("effusion", 75, "left"),
        letters=L_TOP,
    ),
    Recipe(
        "shadow-outside",
        "Simulated: shadow outside the lungs",
        "A calcified mass of 3 cm in the right armpit, beside clear lungs, PA.",
        51,
        build=AVERAGE,
        geometry=Geometry(margins=(48, 15, 40, 8)),
        lesion=Lesion("outside", where="right"),
        letters=L_TOP,
    ),
    Recipe(
        "markers",
        "Simulated: clear lungs under markers and wires",
        "Clear lungs, AP, under a letter, three ECG electrodes and their wires.",
        52,
        build=Build(width=1.0, height=0.95, fat=6, turn=-4),
        geometry=Geometry("AP", distance=1100, gap=40, aim=-40, margins=(36, 15, 36, 12)),
        look=Look(scatter=1.3, quanta=300, lung=0.34, lean=-2),
        letters=(Letter("L", (0.92, 0.08), 0.045),),
        electrodes=((0.20, 0.17), (0.78, 0.22), (0.76, 0.70)),
        wires_leave=(0.30, 1.05),
        shutters=(0.03, 0.0, 0.0, 0.0),
    ),
)
