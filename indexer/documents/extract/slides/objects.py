"""What one shape of a slide says: words, a table, a chart, SmartArt, the alternative text of a picture."""

import re

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.office.charts import read_chart
from indexer.documents.extract.office.diagrams import diagram_texts
from indexer.documents.extract.office.package import Element, Package, Relation, attribute, first, is_true, local, whole
from indexer.documents.extract.slides.remarks import Unread
from indexer.documents.extract.slides.shapes import Shape
from indexer.documents.extract.slides.tables import read_table
from indexer.documents.extract.slides.text import paragraphs
from indexer.errors import UnreadableFile

_BODIES = frozenset({"body", "obj"})
_LARGE = 4 * 914_400**2
"""Square units of a picture, 4 square inches: smaller ones are logos and icons, which say nothing."""
_SAYS_NOTHING = re.compile(
    r"\S*\.(?:png|jpe?g|gif|bmp|tiff?|emf|wmf|svg|webp|heic)|https?://\S+|.*(?:automatically generated|AI-generated"
    r"|automatisch generiert|générée automatiquement|generada automáticamente|generata automaticamente).*",
    re.IGNORECASE | re.DOTALL,
)
"""Alternative texts that are a file's name, or what a program guessed."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{4,}")


class SlideReader:
    """Adds the shapes of one slide to the builder."""

    def __init__(
        self,
        package: Package,
        relations: list[Relation],
        read: set[str],
        builder: DocumentBuilder,
        unread: Unread,
        page: int,
    ) -> None:
        """`read` are the parts of the deck that are read already; none is read twice."""
        self._package = package
        self._read = read
        self._parts = {relation.id: relation.part for relation in relations}
        self._builder = builder
        self._unread = unread
        self._page = page

    def add(self, shape: Shape) -> None:
        """One that cannot be read is a remark, whatever is the matter with it: the rest of the deck is worth more."""
        try:
            self._add(shape)
        except Exception:
            self._unread.shapes.append(self._page)

    def _add(self, shape: Shape) -> None:
        if shape.is_hidden:
            self._unread.hidden_shapes.append(self._page)
        elif local(shape.element) == "pic":
            self._add_picture(shape)
        elif local(shape.element) == "contentPart":
            self._unread.drawings.append(self._page)
        elif local(shape.element) == "graphicFrame":
            self._add_frame(shape)
        else:
            self._add_text(shape)

    def _add_text(self, shape: Shape) -> None:
        """The paragraphs of a body are list items, those of a text box where they have bullets."""
        body = first(shape.element, "txBody")
        found = list(paragraphs(body)) if body is not None else []
        if any(paragraph.has_struck for paragraph in found):
            self._unread.struck.append(self._page)
        found = [paragraph for paragraph in found if paragraph.text]
        is_list = shape.place in _BODIES and len(found) > 1
        for paragraph in found:
            if is_list or paragraph.has_mark:
                self._builder.add("item", paragraph.text, level=paragraph.level + 1, page=self._page)
            else:
                self._builder.add("paragraph", paragraph.text, page=self._page)
        if first(shape.element, "spPr/blipFill") is not None:
            self._add_picture(shape)

    def _add_frame(self, shape: Shape) -> None:
        is_known = False
        for element in shape.element.iter("{*}tbl", "{*}chart", "{*}relIds", "{*}oleObj", "{*}model3d"):
            name, is_known = local(element), True
            if name == "tbl":
                self._add_table(element)
            elif name in ("chart", "relIds"):
                root = self._part(attribute(element, "id" if name == "chart" else "dm"))
                if root is not None:
                    (self._add_chart if name == "chart" else self._add_diagram)(root)
            elif name == "model3d":
                self._unread.models.append(self._page)
                self._add_alternative(shape)
            else:
                self._unread.objects.append(self._page)
                self._add_alternative(shape)
                break  # what follows is its picture
        if not is_known:
            self._unread.frames.append(self._page)
            self._add_alternative(shape)

    def _add_table(self, element: Element) -> None:
        table = read_table(element)
        self._builder.add("paragraph", table.caption, page=self._page)
        self._builder.add_table(table.rows, table.header_rows, self._page)
        if not table.all_repeated:
            self._unread.labels.append(self._page)

    def _add_chart(self, root: Element) -> None:
        """Its words, and its values as a table; a single series that the title names already needs no header."""
        chart = read_chart(root)
        self._builder.add("paragraph", "\n".join([chart.title, *chart.axes]), page=self._page)
        if not chart.rows:
            self._unread.charts.append(self._page)
            return
        names = [name for name in chart.rows[0] if name]
        rows = chart.rows if names and names != [chart.title] else chart.rows[1:]
        self._builder.add_table(rows, frozenset({0} if len(rows) == len(chart.rows) else ()), self._page)

    def _add_diagram(self, root: Element) -> None:
        for level, text in diagram_texts(root):
            self._builder.add("item", text, level=level, page=self._page)

    def _add_picture(self, shape: Shape) -> None:
        properties = shape.properties
        if properties is not None and any(is_true(found.get("val")) for found in properties.iter("{*}decorative")):
            return
        if any(True for _ in shape.element.iter("{*}videoFile", "{*}quickTimeFile")):
            self._unread.films.append(self._page)
        elif any(True for _ in shape.element.iter("{*}audioFile", "{*}wavAudioFile", "{*}audioCd")):
            self._unread.sounds.append(self._page)
        else:
            pictures = self._unread.pictures if _is_large(shape.element) else self._unread.small_pictures
            pictures.append(self._page)
        self._add_alternative(shape)

    def _add_alternative(self, shape: Shape) -> None:
        """What somebody wrote for those who do not see the picture."""
        properties = shape.properties
        text = (properties.get("descr") or "").strip() if properties is not None else ""
        says = len(_WORD.findall(text)) > 1 or _CJK.search(text)
        if says and not _SAYS_NOTHING.fullmatch(text):
            self._builder.add("paragraph", text, page=self._page)

    def _part(self, reference: str) -> Element | None:
        """None for one that is read already. Raises UnreadableFile."""
        part = self._parts.get(reference, "")
        if part in self._read:
            return None
        self._read.add(part)
        root = self._package.parse(part)
        if root is None:
            raise UnreadableFile("A part is missing or damaged.")
        return root


def _is_large(element: Element) -> bool:
    size = first(element, "spPr/xfrm/ext")
    return size is None or whole(size.get("cx")) * whole(size.get("cy")) >= _LARGE
