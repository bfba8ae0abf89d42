"""HTML pages and Markdown: articles, tables with spans, forms, menus, hidden parts, task lists, template links."""

from benchmarks.extraction.cases import Family

HTML = Family("html")
MARKDOWN = Family("markdown")


def page(body: str, title: str = "", head: str = "") -> bytes:
    named = f"<title>{title}</title>" if title else ""
    return f'<!doctype html><html><head><meta charset="utf-8">{named}{head}</head><body>{body}</body></html>'.encode()


_ARTICLE = (
    "The canteen opens at half past seven and serves warm meals until two in the afternoon.",
    "Guests pay the price that is written on the board; the department settles the rest.",
)


@HTML.case("article.html", f"# Canteen\n{_ARTICLE[0]}\n# Guests\n{_ARTICLE[1]}\ncoffee\ntea\ngreen\nblack")
def article() -> bytes:
    items = "<ul><li>coffee</li><li>tea<ul><li>green</li><li>black</li></ul></li></ul>"
    return page(f"<h1>Canteen</h1><p>{_ARTICLE[0]}</p><h2>Guests</h2><p>{_ARTICLE[1]}</p>{items}", "Canteen")


@HTML.case("table.html", "# Limits\nHotel limits\n|= City | Limit\n| Oslo | 120\n| Lyon | 95\n| All others | 80")
def table() -> bytes:
    rows = "<tr><td>Oslo<td>120</tr><tr><td>Lyon<td>95</tr>"
    foot = "<tfoot><tr><td>All others<td>80</tr></tfoot>"
    head = "<caption>Hotel limits</caption><thead><tr><th>City<th>Limit</tr></thead>"
    return page(f"<h1>Limits</h1><table>{head}<tbody>{rows}</tbody>{foot}</table>")


@HTML.case("bold-header.html", "# Limits\n|= City | Limit\n| Oslo | 120\n| Lyon | 95")
def bold_header() -> bytes:
    """Column names that are only bold, as editors and mail programs write them."""
    rows = [("<b>City</b>", "<b>Limit</b>"), ("Oslo", "120"), ("Lyon", "95")]
    return page(
        "<h1>Limits</h1><table border=1>" + "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b in rows) + "</table>"
    )


@HTML.case(
    "spans.html",
    "# Budget\n|= Region | 2025 | <2025 | 2026 | <2026\n|= ^Region | Plan | Actual | Plan | Actual\n"
    "| North | 100 | 90 | 120 | 130\n| South | 200 | 210 | 220 | 190\n"
    "# Staff\n|= Department | Person\n| Sales | Olga Trent\n| ^Sales | Piet Haan\n| Legal | Sven Ost",
)
def spans() -> bytes:
    first = "<tr><th rowspan=2>Region</th><th colspan=2>2025</th><th colspan=2>2026</th></tr>"
    second = "<tr><th>Plan</th><th>Actual</th><th>Plan</th><th>Actual</th></tr>"
    north = "<tr><td>North<td>100<td>90<td>120<td>130</tr><tr><td>South<td>200<td>210<td>220<td>190</tr>"
    staff = "<tr><th>Department<th>Person</tr><tr><td rowspan=2>Sales<td>Olga Trent</tr><tr><td>Piet Haan</tr>"
    return page(
        f"<h1>Budget</h1><table>{first}{second}{north}</table><h1>Staff</h1>"
        f"<table>{staff}<tr><td>Legal<td>Sven Ost</tr></table>"
    )


@HTML.case("row-names.html", "# Hours\n|= | Desk | Workshop\n| Monday | 8 to 16 | 6 to 14\n| Friday | closed | 6 to 12")
def row_names() -> bytes:
    days = (("Monday", "8 to 16", "6 to 14"), ("Friday", "closed", "6 to 12"))
    rows = "".join(f"<tr><th>{day}</th><td>{desk}</td><td>{shop}</td></tr>" for day, desk, shop in days)
    return page(f"<h1>Hours</h1><table><tr><td></td><th>Desk</th><th>Workshop</th></tr>{rows}</table>")


@HTML.case(
    "form.html",
    "# Claim\n[x] Glass is included\n[ ] Theft is included\nPaid by [ ] invoice [x] debit\nName Greta Holm\n"
    "Branch Bergen\nRemark The window of the shop broke.\n{Send}",
)
def form() -> bytes:
    boxes = "<p><input type=checkbox checked> Glass is included</p><p><input type=checkbox> Theft is included</p>"
    radios = "<p>Paid by <input type=radio name=p> invoice <input type=radio name=p checked> debit</p>"
    fields = '<p>Name <input type=text value="Greta Holm"></p><input type=hidden value="token 4711">'
    choice = "<p>Branch <select><option>Oslo<option selected>Bergen<option>Lyon</select></p>"
    remark = "<p>Remark <textarea>The window of the shop broke.</textarea></p><button>Send</button>"
    return page(f"<h1>Claim</h1><form>{boxes}{radios}{fields}{choice}{remark}</form>")


@HTML.case("menus.html", f"{{Intranet}}\n# Canteen\n{_ARTICLE[0]}\n{_ARTICLE[1]}")
def menus() -> bytes:
    """A saved page: menus of links, languages and a cookie notice around one article."""
    menu = "".join(f'<li><a href="/{n}">Section {n}</a></li>' for n in range(40))
    languages = "".join(f'<li><a href="/{code}">{code}</a></li>' for code in ("Deutsch", "Français", "Polski"))
    return page(
        f'<header role="banner"><a href="/">Intranet</a></header><nav><ul>{menu}</ul></nav>'
        f'<div role="navigation" class="menu"><ul>{menu}</ul></div><div class="languages" role="navigation">'
        f"<ul>{languages}</ul></div><main><h1>Canteen</h1><p>{_ARTICLE[0]}</p><p>{_ARTICLE[1]}</p></main>"
        '<div class="cookies" hidden>We use cookies.</div>',
        "Canteen",
    )


@HTML.case("hidden.html", "# Notice\nThe lift works again.\nThe stairs are closed.\nAsk at the desk.")
def hidden() -> bytes:
    unseen = '<p style="display:none">Do not show this.</p><p hidden>Nor this.</p><script>var a = "nor that";</script>'
    shown = "<details><summary>The stairs are closed.</summary>Ask at the desk.</details>"
    return page(f"<h1>Notice</h1><p>The lift works again.</p>{unseen}<!-- nor a comment -->{shown}")


@HTML.case(
    "definitions.html", "# Terms\nNet\nwithout tax\nGross\nwith tax\nPay 3 × 40 € or 10% less.\nLine one\nLine two"
)
def definitions() -> bytes:
    listed = "<dl><dt>Net</dt><dd>without tax</dd><dt>Gross</dt><dd>with tax</dd></dl>"
    return page(
        f"<h1>Terms</h1>{listed}<p>Pay 3&nbsp;&times;&nbsp;40&nbsp;&euro; or 10% less.</p><p>Line one<br>Line two"
    )


@HTML.case("windows-1252.html", "# Büro\nUnser Büro kostet 40 € – jährlich.\nÖffnungszeiten für Gäste")
def windows_1252() -> bytes:
    body = "<h1>Büro</h1><p>Unser Büro kostet 40 € – jährlich.</p><p>Öffnungszeiten für Gäste</p>"
    return f"<html><head><meta charset=iso-8859-1></head><body>{body}</body></html>".encode("cp1252")


@HTML.case(
    "layout-table.html",
    "# Newsletter\nThe roof is tight again.\nThe yard gets new lamps.\n|= Lamp | Watt\n| North | 40\n| South | 60",
)
def layout_table() -> bytes:
    inner = "<table><tr><th>Lamp<th>Watt</tr><tr><td>North<td>40</tr><tr><td>South<td>60</tr></table>"
    return page(
        "<table width=600><tr><td><h1>Newsletter</h1><p>The roof is tight again.</p></td></tr>"
        f"<tr><td><p>The yard gets new lamps.</p>{inner}</td></tr></table>"
    )


@HTML.case("drawing-and-code.html", "# Flow\nPump\nTank\npumpctl --start 4\nH2O is filtered twice.")
def drawing_and_code() -> bytes:
    drawing = "<svg width=200 height=50><text x=10 y=20>Pump</text><text x=90 y=20>Tank</text></svg>"
    return page(
        f"<h1>Flow</h1>{drawing}<pre><code>pumpctl --start 4</code></pre><p>H<sub>2</sub>O is filtered twice.</p>"
    )


@MARKDOWN.case(
    "guide.md",
    "# Leave\nAnnual leave is 27 days.\n# Carry over\nUp to five days go into the next year.\n"
    "ask early\nin writing\nby mail\n{1.} fill in the form\n{2.} sign it",
)
def guide() -> bytes:
    return (
        b"---\ntitle: Leave\ntags: [people]\n---\n\n# Leave\n\nAnnual leave is **27 days**.\n\n## Carry over\n\n"
        b"Up to five days go into the\nnext year.\n\n- ask early\n- in writing\n  - by *mail*\n\n"
        b"1. fill in the form\n2. sign it\n"
    )


@MARKDOWN.case("table.md", "# Limits\n|= City | Limit | Note\n| Oslo | 120 | with breakfast\n| Lyon | 95 | a or b")
def markdown_table() -> bytes:
    return (
        b"# Limits\n\n| City | Limit | Note |\n|:-----|------:|---|\n| Oslo | 120 | with `breakfast` |\n"
        b"| Lyon | 95 | a or b |\n"
    )


@MARKDOWN.case("tasks.md", "# Release\n[x] Security review passed\n[ ] Load test passed\n[ ] Legal approval given")
def tasks() -> bytes:
    return b"# Release\n\n- [x] Security review passed\n- [ ] Load test passed\n* [ ] Legal approval given\n"


@MARKDOWN.case("footnotes.md", "# Allowance\nEmployees get 28 euros a day{1}.\n{1} Paid with the next salary.")
def markdown_footnotes() -> bytes:
    return b"# Allowance\n\nEmployees get 28 euros a day[^1].\n\n[^1]: Paid with the next salary.\n"


@MARKDOWN.case(
    "html-in-titles.md", "# Pay Slip\nPay is due on the 25th.\n# Overtime new\nAsk first.\n|= Grade | Rate\n| A | 12"
)
def html_in_titles() -> bytes:
    return (
        b'# <a name="pay"></a>Pay <em>Slip</em>\n\nPay is due on the 25<sup>th</sup>.\n\n'
        b'## Overtime <span class="tag">new</span>\n\n'
        b"Ask first.\n\n<table><tr><th>Grade</th><th>Rate</th></tr><tr><td>A</td><td>12</td></tr></table>\n"
    )


@MARKDOWN.case("template-links.md", "# Tools\nSee the travel page and the form.\nAsk the desk.")
def template_links() -> bytes:
    return (
        b"# Tools\n\nSee the [travel page]({{ '/travel' | url }}) and [the form][form].\n\n{% include 'desk.html' %}\n"
        b"Ask the [desk]({% link desk.md %}).\n\n[form]: {{ site.baseurl }}/form\n"
    )


@MARKDOWN.case(
    "code.md", "# Restart\nRun this:\nsystemctl restart docent --now\nnot a heading\nThen wait 5 * 2 seconds."
)
def code() -> bytes:
    return (
        b"Restart\n=======\n\nRun this:\n\n```sh\nsystemctl restart docent --now\n# not a heading\n```\n\n"
        b"Then wait 5 \\* 2 seconds.\n"
    )


@MARKDOWN.case(
    "containers.md", "# Alarm\nLeave at once.\nThe lift stays closed.\nTerm\nA word.\nThe old way and the new way."
)
def containers() -> bytes:
    return (
        b"# Alarm\n\n::: warning\nLeave at once.\n:::\n\n> The lift stays closed.\n\nTerm\n: A word.\n\n"
        b"The old way<br>and the new way.\n"
    )


@HTML.case(
    "marked-by-script.html", "# Release\n[x] Security review passed\n[ ] Load test passed\nDelivery takes two days."
)
def marked_by_script() -> bytes:
    """Boxes that a page draws by itself, and a word with a soft hyphen."""
    boxes = '<p><span role="checkbox" aria-checked="true"></span> Security review passed</p>'
    boxes += '<p><span role="checkbox" aria-checked="false"></span> Load test passed</p>'
    return page(f"<h1>Release</h1>{boxes}<p>Deli&shy;very takes two days.</p>")


@HTML.case(
    "cells-of-several-lines.html", "# Desks\n|= Desk | Hours\n| Gate Ina Falk | 6 to 14 14 to 22\n| Office | closed"
)
def cells_of_several_lines() -> bytes:
    rows = "<tr><td>Gate<br>Ina Falk</td><td><p>6 to 14</p><p>14 to 22</p></td></tr>"
    rows += "<tr><td>Office</td><td>closed</td></tr>"
    return page(f"<h1>Desks</h1><table><thead><tr><td>Desk</td><td>Hours</td></tr></thead>{rows}</table>")
