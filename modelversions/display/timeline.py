"""The timeline of a model as SVG: a dot for each version, and a lane for each stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import attrs

from modelversions.display.markup import Child, Element, clean, element
from modelversions.display.parts import month
from modelversions.display.style import hue
from modelversions.model.model import Model, Span, Version

WIDTH = 860
_RIGHT = 16
_LANE = 30
_TOP = 50
_AXIS = 26
_BAR = 20
_LETTER = 6.7
"""The estimated width of a character of a label in the monospace font."""
_MAX_LANES = 12
_MAX_SPANS = 200
_MAX_DOTS = 200
_MAX_LABEL = 14
_TICKS = 9
_MONTHS = 12
_MIN_LENGTH = timedelta(hours=1)
_LAST_YEAR = 9000
"""The last year of the scale, so that the margin after it fits into a datetime."""

_STEPS = [timedelta(hours=1), timedelta(hours=6), *map(timedelta, (1, 7, 14))]
_MONTH_STEPS = [1, 3, 6, 12, 24, 60, 120, 600, 1200, 2400, 6000, 12000]


@attrs.frozen
class Scale:
    """Maps times to horizontal positions."""

    start: datetime
    end: datetime
    left: float

    def x(self, time: datetime) -> float:
        """Return the position of a time."""
        part = (time - self.start) / (self.end - self.start)
        return round(self.left + part * (WIDTH - _RIGHT - self.left), 1)


def timeline_svg(model: Model) -> Element:
    """Return the timeline of a model that has events."""
    spans = model.timeline()
    stages = sorted({span.stage for span in spans})
    shown = stages[:_MAX_LANES]
    longest = max(len(_label(name)) for name in ("versions", *shown))
    scale = _scale(model, 16 + 7 * longest)
    height = _TOP + _LANE * len(shown) + _AXIS
    parts = [
        *_ticks(scale, height),
        *_dots(model, scale),
        *(part for index, stage in enumerate(shown) for part in _lane(stage, index, spans, scale)),
    ]
    name = f"Timeline of {model.name}: versions, and stages {', '.join(shown) or 'none'}"
    if len(stages) > len(shown):
        name += f"; {len(stages) - len(shown)} more stages are not shown"
    return element(
        "svg",
        *parts,
        class_="mv-timeline",
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_label=name,
    )


def _scale(model: Model, left: float) -> Scale:
    """Return the scale from the first event to a little after the last one."""
    first, last = model.history[0].time, model.history[-1].time
    start, end = (time.astimezone(timezone.utc) for time in (first, last))
    margin = max((end - start) * 0.04, _MIN_LENGTH)
    earliest = datetime.fromtimestamp(0, timezone.utc)
    latest = datetime(_LAST_YEAR, 1, 1, tzinfo=timezone.utc)
    start = max(min(start, latest), earliest + margin) - margin
    return Scale(start, max(min(end, latest), start) + margin, left)


def _dots(model: Model, scale: Scale) -> Iterator[Element]:
    """Yield a dot for each version, and the names for which there is space, newest first."""
    yield _text("versions", 0, _TOP - 8)
    free = float(WIDTH)
    dated = [(one.registered_at, one) for one in model.all_versions]
    found = sorted(
        ((time, one) for time, one in dated if time is not None),
        key=lambda pair: pair[0],
        reverse=True,
    )
    for time, version in found[:_MAX_DOTS]:
        x = scale.x(time)
        yield _dot(version, time, x)
        label = _label(version.name)
        half = len(label) * _LETTER / 2
        middle = min(x, WIDTH - half)
        if middle + half <= free and middle - half >= scale.left - 12:
            free = middle - half - 6
            yield _text(label, middle, 22, kind="mv-svgmono", anchor="middle")


def _dot(version: Version, time: datetime, x: float) -> Element:
    kind = "mv-dot" if version.active else "mv-dot mv-gone"
    state = "registered" if version.active else "deregistered; registered"
    title = element("title", f"{version.name}, {state} {time:%Y-%m-%d %H:%M}")
    return element("circle", title, cx=x, cy=_TOP - 12, r=4, class_=kind)


def _lane(stage: str, index: int, spans: Iterable[Span], scale: Scale) -> Iterator[Element]:
    """Yield the lane of a stage: a line above it, its name, and its newest spans."""
    top = _TOP + _LANE * index
    yield _rule(0, top + 0.5, WIDTH, top + 0.5)
    yield _text(_label(stage), 0, top + 20)
    for span in [one for one in spans if one.stage == stage][-_MAX_SPANS:]:
        x = scale.x(span.start)
        end = WIDTH - _RIGHT if span.end is None else scale.x(span.end)
        yield from _bar(span, x, max(end - x - 1, 1.5), top + (_LANE - _BAR) / 2)


def _bar(span: Span, x: float, width: float, y: float) -> Iterator[Element]:
    version = span.version
    name = version.commit[:7] if version.is_bare_commit else version.name
    until = "now" if span.end is None else f"{span.end:%Y-%m-%d %H:%M}"
    title = element("title", f"{name} in {span.stage}, {span.start:%Y-%m-%d %H:%M} to {until}")
    size: dict[str, Any] = {"width": round(width, 1), "height": _BAR, "rx": 3}
    yield element("rect", title, x=x, y=y, class_=f"mv-span {hue(span.stage)}", **size)
    if len(name) * _LETTER + 8 <= width:
        yield _text(name, x + 5, y + 14, kind="mv-svgmono")


def _ticks(scale: Scale, height: float) -> Iterator[Element]:
    """Yield the dates below the lanes, as many as there is space for."""
    bottom = height - _AXIS
    yield _rule(0, bottom + 0.5, WIDTH, bottom + 0.5)
    times, label = _choose_ticks(scale.start, scale.end)
    for index, time in enumerate(times):
        x, text = scale.x(time), label(time)
        if index == 0 and str(time.year) not in text:
            text = f"{text} {time.year}"
        yield _rule(x, bottom, x, bottom + 5)
        middle = min(x, WIDTH - len(text) * _LETTER / 2)
        yield _text(text, middle, bottom + 18, kind="mv-axis", anchor="middle")


def _choose_ticks(
    start: datetime, end: datetime
) -> tuple[Sequence[datetime], Callable[[datetime], str]]:
    """Return round times between two times, and a function that formats them."""
    for step in _STEPS:
        if (end - start) / step <= _TICKS:
            is_clock = step < timedelta(days=1)
            return _every(start, end, step), _clock if is_clock else _day
    months = (end.year - start.year) * _MONTHS + end.month - start.month
    step_months = next((one for one in _MONTH_STEPS if months / one <= _TICKS), _MONTH_STEPS[-1])
    return _every_months(start, end, step_months), _year if step_months >= _MONTHS else _month


def _every(start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    time = midnight + step * (-((midnight - start) // step))
    found = []
    while time <= end:
        found.append(time)
        time += step
    return found


def _every_months(start: datetime, end: datetime, step: int) -> list[datetime]:
    first = -(-(start.year * _MONTHS + start.month) // step) * step
    last = end.year * _MONTHS + end.month - 1
    return [
        datetime(number // _MONTHS, number % _MONTHS + 1, 1, tzinfo=timezone.utc)
        for number in range(first, last + 1, step)
    ]


def _clock(time: datetime) -> str:
    return f"{_day(time)} {time:%H:%M}"


def _day(time: datetime) -> str:
    return f"{time.day} {month(time.month)}"


def _month(time: datetime) -> str:
    name = month(time.month)
    return f"{name} {time.year}" if time.month == 1 else name


def _year(time: datetime) -> str:
    return str(time.year)


def _label(name: str) -> str:
    return clean(name, _MAX_LABEL)


def _rule(x1: float, y1: float, x2: float, y2: float) -> Element:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="mv-rule")


def _text(
    text: Child, x: float, y: float, kind: str | None = None, anchor: str | None = None
) -> Element:
    return element("text", text, x=round(x, 1), y=y, class_=kind, text_anchor=anchor)
