"""The charts of the timing page, in the colours of the theme in force; each says its message as alternative text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import streamlit as st

from ketl._figures import duration
from ketl.ui.timeline import FIRST, Bar, in_words, most_at_once

_TALLEST = 420
_GAP, _RIBBON = 0.18, 0.3
_SEQUENTIAL = "One after another"
_PARALLEL = "In parallel"


def _ink() -> str:
    # Vega writes text in black, which nobody reads on the dark theme.
    return "#e9ede9" if st.context.theme.type == "dark" else "#14191a"


def _show(chart: alt.LayerChart | alt.FacetChart, key: str, alternative: str) -> None:
    # The theme's own grey for axes and legends is too dim on paper white.
    ink = _ink()
    readable = chart.configure_axis(labelColor=ink, titleColor=ink).configure_legend(labelColor=ink, titleColor=ink)
    st.altair_chart(readable, key=key, alt=alternative)


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.Data:
    return alt.Data(values=list(rows))  # type: ignore[no-untyped-call]  # altair's schema classes are not annotated


def _models(bars: Sequence[Bar]) -> list[str]:
    return sorted({bar.model for bar in bars})


def _color(bars: Sequence[Bar]) -> alt.Color:
    # One below the other: side by side the second leaves the picture on a phone.
    legend = alt.Legend(title=None, orient="top", labelLimit=320, columns=1)
    return alt.Color("Model:N", scale=alt.Scale(domain=_models(bars)), legend=legend)


def _tips() -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{name}:N") for name in ("Model", "Language", "Texts", "Time", "Why", "Outcome")]


def race_chart(parallel: Sequence[Bar], one_by_one: Sequence[Bar], report: Mapping[str, Any]) -> None:
    """Draw the run and its baseline on one time axis: the same requests at once, and end to end."""
    slots = max(1, most_at_once(parallel))
    seconds = report["baseline"]["seconds"]
    rows = [
        {**bar.as_row(), "y": bar.slot / slots, "y2": (bar.slot + 0.82) / slots, "end": max(bar.end_s, bar.start_s)}
        for bar in parallel
    ]
    low, high = 1 + _GAP, 1 + _GAP + _RIBBON
    # The row ends where its number says: what was waited between and after the attempts is the plain part.
    rows += [
        {**bar.as_row(), "end": min(bar.end_s, seconds), "y": low, "y2": high}
        for bar in one_by_one
        if bar.start_s < seconds
    ]
    high_s = (report["baseline"]["ci95_s"] or (0.0, 0.0))[1]
    longest = max(seconds, high_s, report["makespan_s"])
    x = alt.X("start:Q", title="Seconds since start", scale=alt.Scale(domain=[0, longest * 1.15], nice=False))
    middle = [0.5, low + _RIBBON / 2]
    y = alt.Y(
        "y:Q",
        title=None,
        scale=alt.Scale(domain=[0, high], reverse=True, nice=False),
        axis=alt.Axis(
            values=middle,
            labelExpr=f"datum.value < 1 ? '{_PARALLEL}' : '{_SEQUENTIAL}'",
            grid=False,
            ticks=False,
            domain=False,
            labelLimit=160,
        ),
    )
    bars = (
        alt.Chart(_data(rows))
        .mark_rect(cornerRadius=1)
        .encode(x=x, x2="end:Q", y=y, y2="y2:Q", color=_color([*parallel, *one_by_one]), tooltip=_tips())
    )
    layers: list[alt.Chart] = [*_whole(report["baseline"], low, high), bars]
    ends = [
        {"start": report["makespan_s"], "y": middle[0], "says": duration(report["makespan_s"])},
        {"start": max(seconds, high_s), "y": middle[1], "says": duration(seconds)},
    ]
    says = (
        alt.Chart(_data(ends))
        .mark_text(align="left", dx=6, color=_ink(), fontSize=13, fontWeight=600)
        .encode(x="start:Q", y="y:Q", text="says:N")
    )
    alternative = (
        f"Two rows on one axis. {_PARALLEL}: {duration(report['makespan_s'])}. {_SEQUENTIAL}: {duration(seconds)}."
    )
    _show(alt.layer(*layers, says).properties(height=200), "race", alternative)


def _whole(baseline: Mapping[str, Any], low: float, high: float) -> list[alt.Chart]:
    """Return the layers of a baseline as a whole: one bar as long as it took, and the range where it is a sample's."""
    whole = _data([{"start": 0, "end": baseline["seconds"], "y": low, "y2": high}])
    bar = (
        alt.Chart(whole)
        .mark_rect(cornerRadius=2, color=_ink(), opacity=0.28)
        .encode(x="start:Q", x2="end:Q", y="y:Q", y2="y2:Q")
    )
    if not baseline["ci95_s"]:
        return [bar]
    least, most = baseline["ci95_s"]
    sure = alt.Chart(_data([{"start": least, "end": most, "y": low + _RIBBON / 2}]))
    return [bar, sure.mark_rule(color=_ink(), strokeWidth=3).encode(x="start:Q", x2="end:Q", y="y:Q")]


def slot_chart(bars: Sequence[Bar]) -> None:
    """Draw the run alone, a row for each worker slot, with retries, repairs and raced copies marked."""
    slots = max(1, most_at_once(bars))
    height = min(_TALLEST, max(90, slots * (22 if slots <= 14 else 14)))
    data = _data([bar.as_row() for bar in bars])
    y = alt.Y("slot:O", title="Worker slot", axis=alt.Axis(labels=slots <= 30, ticks=False, grid=False))
    x = alt.X("start:Q", title="Seconds since start")
    picked = alt.selection_point(fields=["Model"], bind="legend")
    drawn = (
        alt.Chart(data)
        .mark_bar(cornerRadius=2 if slots <= 30 else 0)
        .encode(
            x=x,
            x2="end:Q",
            y=y,
            color=_color(bars),
            opacity=alt.condition(picked, alt.value(1.0), alt.value(0.15)),
            tooltip=_tips(),
        )
        .add_params(picked)
    )
    layers: list[alt.Chart] = [drawn]
    if any(bar.kind != FIRST for bar in bars):
        layers.append(
            alt.Chart(data)
            .transform_filter(alt.datum.Why != FIRST)
            .mark_point(color=_ink(), filled=True, size=70, opacity=1)
            .encode(
                x="start:Q",
                y="slot:O",
                shape=alt.Shape("Why:N", legend=alt.Legend(title="Marked", orient="bottom")),
                tooltip=_tips(),
            )
        )
    _show(alt.layer(*layers).properties(height=height), "slots", in_words(bars))


def steps_chart(steps: Sequence[tuple[str, float]]) -> None:
    """Draw the time that is left after each idea, from the textbook loop down to the run itself."""
    data = _data([{"Step": n, "seconds": s, "says": duration(s)} for n, s in steps])
    order = [name for name, _ in steps]
    y = alt.Y("Step:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, ticks=False, domain=False))
    most = max(seconds for _, seconds in steps) or 1.0
    x = alt.X("seconds:Q", title="Seconds", scale=alt.Scale(domain=[0, most * 1.25], nice=False))
    bars = alt.Chart(data).mark_bar(cornerRadius=2, height=18).encode(x=x, y=y)
    text = alt.Chart(data).mark_text(align="left", dx=6, color=_ink(), fontSize=13).encode(x=x, y=y, text="says:N")
    alternative = "; ".join(f"{name}: {duration(seconds)}" for name, seconds in steps)
    # On a phone the longest bar leaves less than its words need.
    room = {"left": 0, "top": 0, "right": 48, "bottom": 0}
    _show(alt.layer(bars, text).properties(height=34 * len(steps) + 40, padding=room), "steps", alternative)
