"""A bar chart as office files keep it: title, series, categories and values in a part of its own."""

from collections.abc import Sequence

NAMES = (
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'
    ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)


def bar_chart(title: str, series: str, bars: Sequence[tuple[str, int]]) -> str:
    def points(texts: Sequence[object]) -> str:
        listed = "".join(f'<c:pt idx="{index}"><c:v>{text}</c:v></c:pt>' for index, text in enumerate(texts))
        return f'<c:ptCount val="{len(texts)}"/>{listed}'

    return (
        f"<c:chartSpace {NAMES}><c:chart><c:title><c:tx><c:rich><a:bodyPr/><a:p><a:r><a:t>{title}</a:t></a:r></a:p>"
        '</c:rich></c:tx></c:title><c:plotArea><c:layout/><c:barChart><c:barDir val="col"/><c:ser>'
        f'<c:idx val="0"/><c:order val="0"/><c:tx><c:strRef><c:strCache>{points([series])}</c:strCache></c:strRef>'
        f"</c:tx><c:cat><c:strRef><c:strCache>{points([name for name, _ in bars])}</c:strCache></c:strRef></c:cat>"
        f"<c:val><c:numRef><c:numCache><c:formatCode>General</c:formatCode>{points([value for _, value in bars])}"
        '</c:numCache></c:numRef></c:val></c:ser><c:axId val="1"/><c:axId val="2"/></c:barChart></c:plotArea>'
        "</c:chart></c:chartSpace>"
    )
