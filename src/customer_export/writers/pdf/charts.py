"""The charts of the cover. What they show stands in the alternative text of each figure, too."""

from collections.abc import Sequence
from functools import cached_property

from customer_export.writers.pdf.canvas import LINE_HEIGHT, Canvas
from customer_export.writers.pdf.cover import Chart
from customer_export.writers.pdf.cover_blocks import columns_of

_RULE_POINTS = 0.4
_RULES = (0.0, 0.5, 1.0)  # of the height
_COLUMN_SHARE = 0.72
"""A column has this much of the room of its month, and no more than the theme's width."""

_LEAST_COLUMN_POINTS = 0.6
"""What is more than nothing is seen."""

_SPACE_UNDER_COLUMNS = 3.0
_SPACE_BESIDE_ROWS = 8.0
_LABEL_SHARE_MAX = 0.4
"""Labels of rows that are wider than this share of the page break into lines."""


class ColumnsBlock:
    """Columns over time; one chart a currency, beside each other."""

    above = 0.0
    keeps_next = False

    def __init__(self, canvas: Canvas, charts: Sequence[Chart]) -> None:
        self._canvas, self._charts = canvas, charts
        self._places, self._width = columns_of(canvas, len(charts), canvas.theme.cover.gap)
        self._style = canvas.style(canvas.theme.chart.label_size, colour="muted")
        self._highest = [canvas.set(chart.highest, self._style) for chart in charts]
        self._labels = [[canvas.set(bar.label, self._style) for bar in chart.bars] for chart in charts]

    @cached_property
    def height(self) -> float:
        """The height of the columns with the line above and the line under them."""
        return self._canvas.theme.chart.columns_height + 2 * self._style.leading + _SPACE_UNDER_COLUMNS

    def draw(self, top: float) -> None:
        """Draw them."""
        for index, start in enumerate(self._places):
            self._draw_chart(index, start=start, top=top)

    def _draw_chart(self, index: int, *, start: float, top: float) -> None:
        canvas, chart = self._canvas, self._charts[index]
        page, theme, operands = canvas.page, canvas.theme.chart, canvas.theme.operands
        canvas.begin_figure(chart.alternative, start=start, top=top, width=self._width, height=self.height)
        canvas.text(self._highest[index], start=start, top=top)
        zero = top - self._style.leading - theme.columns_height
        for share in _RULES:
            y = zero + theme.columns_height * share - _RULE_POINTS / 2
            page.fill(operands["rule"], canvas.left(start, self._width), y, self._width, _RULE_POINTS)
        step = self._width / len(chart.bars)
        width = min(step * _COLUMN_SHARE, theme.column_width)
        corner = min(theme.corner, width / 4)
        for number, (bar, label) in enumerate(zip(chart.bars, self._labels[index], strict=True)):
            middle = start + step * (number + 0.5)
            if bar.share > 0:
                height = max(theme.columns_height * bar.share, _LEAST_COLUMN_POINTS)
                x = canvas.left(middle - width / 2, width)
                page.fill_rounded(operands["accent"], x, zero, width, height, upper=min(corner, height), lower=0.0)
            if bar.label:
                beside = canvas.measure(label)[0] / 2
                canvas.text(label, start=middle - beside, top=zero - _SPACE_UNDER_COLUMNS)
        canvas.end()


class RowsBlock:
    """Rows by size: a label, a bar, and its value."""

    above = 0.0
    keeps_next = False

    def __init__(self, canvas: Canvas, chart: Chart) -> None:
        self._canvas, self._chart = canvas, chart
        size = canvas.theme.chart.row_size
        plain, muted = canvas.style(size), canvas.style(size, colour="muted")
        limit = canvas.width * _LABEL_SHARE_MAX
        self._labels = [
            canvas.set(bar.label, plain, width=limit if canvas.estimate(bar.label, plain) > limit else None)
            for bar in chart.bars
        ]
        self._values = [canvas.set(bar.value, muted) for bar in chart.bars]
        self._line = size * LINE_HEIGHT

    @cached_property
    def height(self) -> float:
        """The height of all rows."""
        return sum(self._row_height(index) for index in range(len(self._labels)))

    def draw(self, top: float) -> None:
        """Draw them."""
        canvas, theme = self._canvas, self._canvas.theme.chart
        labels = max(canvas.measure(label)[0] for label in self._labels) + _SPACE_BESIDE_ROWS
        values = max(canvas.measure(value)[0] for value in self._values) + _SPACE_BESIDE_ROWS
        ground = canvas.width - labels - values
        operands = canvas.theme.operands
        canvas.begin_figure(self._chart.alternative, start=0.0, top=top, width=canvas.width, height=self.height)
        for index, bar in enumerate(self._chart.bars):
            height = self._row_height(index)
            text = top - (height - canvas.measure(self._labels[index])[1]) / 2
            canvas.text(self._labels[index], start=0.0, top=text)
            lower = top - (height + theme.row_height) / 2
            canvas.page.fill(operands["zebra"], canvas.left(labels, ground), lower, ground, theme.row_height)
            width = ground * bar.share
            corner = min(theme.corner, width / 2)
            canvas.page.fill_rounded(
                operands["accent"], canvas.left(labels, width), lower, width, theme.row_height,
                upper=corner, lower=corner,
            )  # fmt: skip
            value = canvas.measure(self._values[index])[0]
            canvas.text(self._values[index], start=canvas.width - value, top=top - (height - self._line) / 2)
            top -= height
        canvas.end()

    def _row_height(self, index: int) -> float:
        theme = self._canvas.theme.chart
        return max(theme.row_height, self._canvas.measure(self._labels[index])[1]) + theme.row_space
