"""A section as a table: a header on every page, rows that never break."""

from collections.abc import Sequence

from customer_export.writers.pdf.columns import TablePlan
from customer_export.writers.pdf.composition import Setting
from customer_export.writers.pdf.flow import Flow
from customer_export.writers.pdf.long_texts import LongTexts
from customer_export.writers.pdf.structure import COLUMN_HEAD, Element
from customer_export.writers.pdf.texts import Line

_HEAD_GAP_POINTS = 1.5


class Table:
    """A table under way: begin it where its heading ended, give it rows, close it."""

    def __init__(
        self, *, flow: Flow, plan: TablePlan, section: str, long_texts: LongTexts, parent: Element | None
    ) -> None:
        self._flow = flow
        self._plan = plan
        self._section = section
        self._long_texts = long_texts
        self._element = flow.tags.open("Table", parent)
        self._rows = 0
        compositor = flow.compositor
        self._head = [
            compositor.set(column.column.label, width=column.width, style=plan.head_style, align=column.align)
            for column in plan.columns
        ]
        compositor.shaped.set_wanted()
        self._lefts = [f"{column.x:.2f}" if column.align == "left" else None for column in plan.columns]
        self._head_texts = max(compositor.height(setting, plan.head_style) for setting in self._head)

    @property
    def head_height(self) -> float:
        """How much room the header takes."""
        return self._head_texts + 2 * self._plan.padding_y + _HEAD_GAP_POINTS

    def draw_head(self, *, repeated: bool) -> None:
        """Draw the header; a repeated one is decoration, for the first one is the one that is read aloud."""
        flow, plan = self._flow, self._plan
        page, tags = flow.page, flow.tags
        height = self._head_texts + 2 * plan.padding_y
        page.box(flow.theme.operands["accent_soft"], flow.theme.page.margin_side, flow.y - height, flow.width, height)
        row = None if repeated else tags.open("TR", self._element)
        if repeated:
            page.begin_artifact("Pagination")
        for setting, column in zip(self._head, plan.columns, strict=True):
            tags.begin(page, "TH", row, COLUMN_HEAD)
            lift = self._head_texts - flow.compositor.height(setting, plan.head_style)
            flow.compositor.draw(
                page, setting, x=column.x, top=flow.y - plan.padding_y - lift, width=column.width,
                style=plan.head_style, align=column.align,
            )  # fmt: skip
            tags.end(page, row)
        if repeated:
            page.end()
        tags.close(row)
        flow.y -= height + _HEAD_GAP_POINTS

    def add(self, batch: Sequence[Sequence[str | None]]) -> None:
        """Draw rows, given column by column as people read them."""
        settings = [self._set(index, cells) for index, cells in enumerate(batch)]
        self.add_settings(settings)

    def add_settings(self, settings: Sequence[Sequence[Setting]]) -> None:
        """Draw rows that have been set, given column by column."""
        flow, plan = self._flow, self._plan
        compositor, style = flow.compositor, plan.style
        compositor.shaped.set_wanted()
        single = style.leading + 2 * plan.padding_y
        for row in zip(*settings, strict=True):
            height = single
            for setting in row:
                if setting is not None and type(setting) is not Line:
                    height = max(height, compositor.height(setting, style) + 2 * plan.padding_y)
            if not flow.has_room(height):
                flow.begin_page(landscape=plan.landscape)
                self.draw_head(repeated=True)
            self._draw_row(row, height)

    def close(self) -> None:
        """End the table."""
        self._flow.tags.close(self._element)

    def _draw_row(self, row: Sequence[Setting], height: float) -> None:
        """Draw a row; a cell of one plain line, as nearly all are, is drawn here and not by the compositor."""
        flow, plan, style = self._flow, self._plan, self._plan.style
        page, tags = flow.page, flow.tags
        side = flow.theme.page.margin_side
        if self._rows % 2:
            page.box(flow.theme.operands["zebra"], side, flow.y - height, flow.width, height)
        self._rows += 1
        element = tags.open("TR", self._element)
        marked = tags.cells(page, element, [setting is not None for setting in row])
        top = flow.y - plan.padding_y
        page.colour(flow.theme.operands[style.colour])
        base = f"{top - style.rise:.2f}"
        content, font = page.content, None
        for setting, column, left in zip(row, plan.columns, self._lefts, strict=True):
            if setting is None:
                continue
            if type(setting) is Line:
                if setting.font != font:
                    font = setting.font
                    page.font(font, style.size)
                x = left or f"{column.x + column.width - setting.width:.2f}"
                text = f"BT {x} {base} Td{setting.operand}Tj ET "
                content.append(text if marked is None else f"/TD<</MCID {marked}>>BDC {text}EMC\n")
            else:
                if marked is not None:
                    page.begin("TD", marked)
                flow.compositor.draw(
                    page, setting, x=column.x, top=top, width=column.width, style=style, align=column.align
                )
                font = None
                if marked is not None:
                    page.end()
            if marked is not None:
                marked += 1
        tags.close(element)
        flow.y -= height

    def _set(self, index: int, cells: Sequence[str | None]) -> list[Setting]:
        """Set the cells of a column."""
        column, style, first = self._plan.columns[index], self._plan.style, self._rows + 1

        def shorten(text: str, offset: int) -> str:
            return self._long_texts.shorten(
                text,
                width=column.width,
                size=style.size,
                section=self._section,
                column=column.column,
                row=first + offset,
            )

        return self._flow.compositor.set_column(
            cells, width=column.width, style=style, align=column.align, shorten=shorten
        )
