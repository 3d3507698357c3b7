"""Plots with matplotlib, for your own figures (extra ``plot``).

Notebooks display a model with a timeline, for which this extra is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from modelversions.display.markup import clean
from modelversions.display.style import hue
from modelversions.errors import InvalidArgumentError, MissingExtraError
from modelversions.model.model import Model, Span, Version

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["timeline"]

COLORS = (
    "#2e9e6b",
    "#c98a12",
    "#8b63d9",
    "#2f86d6",
    "#d0519a",
    "#1b9aa8",
    "#cf5b3c",
    "#7c8f1c",
)
"""The colours of stages, as in HTML output."""

_LANE = 0.42
"""The height of a lane in inches, in a new figure."""
_WIDTH = 9.0
_MAX_LABEL = 20
_MAX_LANES = 20
_SIZE = 8.5
"""The font size of the names of versions, in points."""
_LETTER = 0.61 * _SIZE / 72
"""The width of a character of such a name, in inches."""
_FINE: dict[str, Any] = {"fontsize": _SIZE, "family": "monospace", "clip_on": True}
_LATEST = datetime(9000, 1, 1, tzinfo=timezone.utc)
_MIN_MARGIN = timedelta(hours=1)


def timeline(model: Model, ax: Axes | None = None) -> Axes:
    """Plot the timeline of a model: its versions along time, and a lane for each stage.

    A bar is a span of time during which a version held a stage; if it still does, the bar ends at
    the end of the plot. A deregistered version is a hollow dot. Names for which there is no space
    are omitted. If there are more than 20 stages, those that were assigned last are plotted. The
    model's name is the title on the left. If axes share their x axis with others, the limits
    include the times of all.

    Args:
        model: the model.
        ax: the axes to draw on. Default: the axes of a new figure.

    Returns:
        The axes, which you can change with matplotlib.

    Raises:
        InvalidArgumentError: ``model`` is not a ``Model`` but, for example, a name; or ``ax`` is
            not an ``Axes`` of a figure but, for example, an array of them.
        MissingExtraError: matplotlib is not installed.
    """
    if not isinstance(model, Model):
        raise InvalidArgumentError(
            f"timeline() plots a model, such as registry['churn'], not {model!r}",
            argument="model",
            value=model,
        )
    _check_extra()
    _check_axes(ax)
    spans = model.timeline()
    stages, hidden = _stages(spans)
    axes = _new_axes(len(stages)) if ax is None else ax
    start, end = _limits(model)
    shown = _show_times(axes, start, end)
    _style(axes, model.name, stages, hidden)
    if ax is None:
        _figure(axes).draw_without_rendering()  # the layout sets the width of the axes
    letter = _LETTER * shown / _width(axes)
    _draw_versions(axes, model.all_versions, (start, end), letter)
    for lane, stage in enumerate(stages, 1):
        _draw_lane(axes, [span for span in spans if span.stage == stage], lane, end, letter)
    return axes


def _check_extra() -> None:
    try:
        import matplotlib as mpl  # noqa: F401  # whether it can be
    except ImportError as error:
        raise MissingExtraError(
            "plots need the 'plot' extra: pip install 'modelversions[plot]'; notebooks display a "
            "Model with a timeline without it",
            extra="plot",
        ) from error


def _check_axes(ax: object) -> None:
    """Check that axes have rectangular coordinates and are in a figure.

    Raises:
        InvalidArgumentError: ``ax`` is of another type, or not in a figure.
    """
    from matplotlib.axes import Axes

    if ax is None:
        return
    if not isinstance(ax, Axes) or ax.name != "rectilinear" or ax.get_figure() is None:
        raise InvalidArgumentError(
            f"ax must be Axes of a figure with rectangular coordinates, not {ax!r}; if it is an "
            "array, pass one of its elements",
            argument="ax",
            value=ax,
        )


def _stages(spans: Iterable[Span]) -> tuple[list[str], int]:
    """Return the stages with lanes, sorted, and the number of the others."""
    newest = {span.stage: span.start for span in spans}  # by start: the last one counts
    chosen = sorted(newest, key=lambda stage: newest[stage])[-_MAX_LANES:]
    return sorted(chosen), len(newest) - len(chosen)


def _show_times(axes: Axes, start: datetime, end: datetime) -> timedelta:
    """Set the limits of the x axis, to include those of shared axes; return the range."""
    from matplotlib import dates

    others = [one for one in axes.get_shared_x_axes().get_siblings(axes) if one.has_data()]
    limits = [limit for one in others for limit in one.get_xlim()]
    limits += [float(dates.date2num(time)) for time in (start, end)]
    axes.set_xlim(min(limits), max(limits))
    return timedelta(days=max(limits) - min(limits))


def _new_axes(lanes: int) -> Axes:
    from matplotlib import pyplot as plt

    height = _LANE * (lanes + 1) + 0.75
    return plt.subplots(figsize=(_WIDTH, height), layout="constrained")[1]


def _limits(model: Model) -> tuple[datetime, datetime]:
    """Return the times at which the plot begins and ends, with margins."""
    first, last = model.history[0].time, model.history[-1].time
    start, end = (min(time.astimezone(timezone.utc), _LATEST) for time in (first, last))
    margin = max((end - start) * 0.04, _MIN_MARGIN)
    return start - margin, end + margin


def _width(axes: Axes) -> float:
    """Return the width of the axes in inches."""
    return float(axes.get_position().width * _figure(axes).get_size_inches()[0])


def _figure(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def _style(axes: Axes, name: str, stages: Sequence[str], hidden: int) -> None:
    """Set the title, the lanes and the time axis."""
    from matplotlib import dates

    axes.set_title(_text(clean(name, 60)), loc="left", fontsize=11, fontweight="bold")
    names = ["versions", *(clean(stage, _MAX_LABEL) for stage in stages)]
    if hidden:
        axes.set_xlabel(f"{hidden:,} more stages")
    axes.set_yticks(range(len(names)), list(map(_text, names)))
    axes.set_ylim(len(names) - 0.5, -0.75)
    axes.tick_params(axis="y", length=0)
    locator = dates.AutoDateLocator(minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.spines[["left", "right", "top"]].set_visible(False)
    color = axes.spines["bottom"].get_edgecolor()
    for lane in range(len(stages)):
        axes.axhline(lane + 0.5, color=color, alpha=0.2, linewidth=0.8, zorder=0)


def _draw_versions(
    axes: Axes, versions: Iterable[Version], limits: tuple[datetime, datetime], letter: timedelta
) -> None:
    """Draw a dot for each version, and the names for which there is space, newest first."""
    from matplotlib import rcParams

    color = rcParams["text.color"]
    dated = [(one.registered_at, one) for one in versions if one.registered_at is not None]
    dated.sort(key=lambda pair: pair[0], reverse=True)
    for active, fill in ((True, color), (False, "none")):
        times: list[Any] = [time for time, one in dated if one.active is active]
        axes.scatter(times, [0.1] * len(times), s=30, facecolors=fill, edgecolors=color, zorder=3)
    start, free = limits
    for time, version in dated:
        label = clean(version.name, _MAX_LABEL)
        half = letter * len(label) / 2
        middle: Any = min(time, limits[1] - half)
        if middle + half <= free and middle - half >= start:
            free = middle - half - letter
            axes.text(middle, -0.3, label, ha="center", va="center", **_FINE)


def _draw_lane(
    axes: Axes, spans: Sequence[Span], lane: int, end: datetime, letter: timedelta
) -> None:
    """Draw the bars of a stage as one collection, with the names for which there is space."""
    color = COLORS[int(hue(spans[0].stage).removeprefix("mv-hue"))]
    bars: list[Any] = []
    for span in spans:
        start: Any = min(span.start, end)
        width = max(min(span.end or end, end) - start, letter / 6)
        bars.append((start, width))
        version = span.version
        name = version.commit[:7] if version.is_bare_commit else clean(version.name, _MAX_LABEL)
        if letter * (len(name) + 1) <= width:
            axes.text(start + letter * 0.6, lane, name, va="center", zorder=3, **_FINE)
    axes.broken_barh(bars, (lane - 0.31, 0.62), color=(color, 0.3), edgecolor=color, zorder=2)


def _text(name: str) -> str:
    """Return a text that matplotlib does not parse as a formula."""
    return name.replace("$", r"\$")
