"""Draws docs/cost.svg: what a sandbox costs while nothing happens, by settings.

Run it with `make docs`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from cost.choice import chosen
from cost.estimate import estimate, synthesized
from cost.prices import price_list

CHART = Path(__file__).parent / "cost.svg"
NAMES = ("default", "emr-serverless", "kinesis", "vpc-only")
BLUE, GREY = "#0072B2", "#767676"


def label(usd: float) -> str:
    return f"USD {usd:.2f}"


def draw(idle: Mapping[str, float]) -> Figure:
    """A bar for each of the settings; the same picture for the same figures, byte by byte."""
    figure = Figure(figsize=(7.2, 2.4), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(list(idle), list(idle.values()), color=BLUE, height=0.6)
    axes.bar_label(bars, [label(usd) for usd in idle.values()], padding=4)
    axes.invert_yaxis()
    axes.set_xlim(0, max(idle.values()) * 1.15)
    axes.set_title("What a sandbox costs a month while nothing happens", fontsize=11, loc="left")
    newest = max(price.published for price in price_list().prices.values())
    axes.set_xlabel(f"USD, {price_list().region}, prices known up to {newest}", color=GREY, fontsize=9)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(left=False, bottom=False, labelbottom=False)
    return figure


def main() -> None:
    figure = draw({name: estimate(synthesized(chosen(name))).idle for name in NAMES})
    # text as text, so that the picture stays small and can be searched
    with mpl.rc_context({"svg.hashsalt": "cost", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(CHART, metadata={"Date": None})
    sys.stdout.write(f"wrote {CHART.name}\n")


if __name__ == "__main__":
    main()
