"""What a case found out, beside what it has to be.

Most figures say what came of something: nothing lost, no caller answered otherwise than allowed. These hold on every
machine. Others are times and rates, which depend on the machine and on what else it does: where only outcomes are
judged, a time has to be within a generous bound, which nothing but a hang or a missing deadline exceeds, and a rate is
told and not judged.
"""

from dataclasses import dataclass, field, replace

# A machine that does four other things gives a process less than half of what it would have alone, at times much less.
GENEROSITY = 5


@dataclass(frozen=True)
class Figure:
    """Something that was measured."""

    text: str
    bound: str
    is_met: bool
    # How it is judged where only outcomes are; as it is if there is nothing here.
    generous: "Figure | None" = None

    @property
    def as_outcome(self) -> "Figure":
        """The figure where only outcomes are judged."""
        return self.generous or self

    def __str__(self) -> str:
        said = f"{self.text} ({self.bound})" if self.bound else self.text
        return said if self.is_met else f"MISSED: {said}"


def told(text: str) -> Figure:
    """Something that needs to be known to judge the rest."""
    return Figure(text, "", True)


def _amount(value: float) -> str:
    if value == float("inf"):
        return "never"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _with(value: float, unit: str) -> str:
    return "never" if value == float("inf") else f"{_amount(value)} {unit}".strip()


def at_most(what: str, value: float, bound: float, unit: str = "") -> Figure:
    """Something that must not be more, whatever the machine does."""
    return Figure(f"{what} {_with(value, unit)}", f"at most {_with(bound, unit)}", value <= bound)


def at_least(what: str, value: float, bound: float, unit: str = "") -> Figure:
    """Something that must not be less, whatever the machine does."""
    return Figure(f"{what} {_with(value, unit)}", f"at least {_with(bound, unit)}", value >= bound)


def within(what: str, seconds: float, bound: float) -> Figure:
    """Something that must not take longer."""
    return replace(at_most(what, seconds, bound, "s"), generous=at_most(what, seconds, GENEROSITY * bound, "s"))


def between(what: str, lowest: float, highest: float, bounds: tuple[float, float]) -> Figure:
    """Seconds that must lie within a range."""
    generous = _between(what, lowest, highest, (bounds[0] / GENEROSITY, bounds[1] * GENEROSITY))
    return replace(_between(what, lowest, highest, bounds), generous=generous)


def _between(what: str, lowest: float, highest: float, bounds: tuple[float, float]) -> Figure:
    spread = f"{_amount(lowest)} to {_with(highest, 's')}"
    allowed = f"within {_amount(bounds[0])} to {_with(bounds[1], 's')}"
    return Figure(f"{what} {spread}", allowed, bounds[0] <= lowest and highest <= bounds[1])


def rate(figure: Figure) -> Figure:
    """Something that is compared with what the machine can do, and so is only told where others use it, too."""
    return replace(figure, generous=told(figure.text))


def exactly(what: str, value: int | str, expected: int | str) -> Figure:
    """Something that has to be just so."""
    shown, wanted = (_amount(one) if isinstance(one, int) else one for one in (value, expected))
    return Figure(
        f"{what} {shown}", f"must be {wanted}" if isinstance(value, int) or value != expected else "", value == expected
    )


def holds(what: str, is_so: bool) -> Figure:
    """Something that has to be so."""
    return Figure(what, "" if is_so else "it is not so", is_so)


@dataclass
class Outcome:
    """How a case went on one database."""

    case: str
    database: str
    figures: list[Figure] = field(default_factory=list)
    failure: str = ""
    seconds: float = 0.0

    @property
    def is_met(self) -> bool:
        """Whether everything is as it has to be."""
        return not self.failure and all(figure.is_met for figure in self.figures)

    @property
    def findings(self) -> str:
        """All figures in a line."""
        said = [str(figure) for figure in self.figures]
        if self.failure:
            said.append(f"FAILED: {' '.join(self.failure.split())}")
        return "; ".join(said)

    def line(self) -> str:
        """The case in a line."""
        return f"{'ok  ' if self.is_met else 'MISS'} {self.case}, {self.database}: {self.findings}"
