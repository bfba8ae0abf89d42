"""The files of `../shared/field`, where that folder lies beside the checkout, with what their READMEs expect."""

from pathlib import Path

from benchmarks.extraction.cases import Case

FOLDER = Path(__file__).parents[3] / "shared" / "field"
_FAMILIES = {".pdf": "pdf", ".docx": "word", ".xlsx": "excel", ".pptx": "slides", ".csv": "csv", ".txt": "text"}
_TRAVEL = (
    "Travel budget of the northern office\nFlights 4200 euros for the second quarter\n"
    "Hotels 1900 euros for the second quarter"
)
_SALES = (
    "# Sales by region\nUnits sold\n| Norway | 412\n| Portugal | 377\n| Ireland | 905\n# Shifts\n"
    "|= Team | Person | Shift\n| Red | Anna Vik | early\n| ^Red | Bo Lund | late\n| Blue | Cleo Moor | early\n"
    "| ^Blue | Dan Ames | night"
)
_EXPECTED = {
    "inherited-a4.pdf": "Permit 2291 of the harbour office\nThe permit ends on 4 June.",
    "inherited-landscape.pdf": (
        "|= Station | Inspector | Deadline\n| Pier 4 | Nils Aker | 12 August\n| Pier 5 | Eva Brandt | 19 August"
    ),
    "rot270.pdf": _TRAVEL,
    "rot90.pdf": _TRAVEL,
    "side90.pdf": _TRAVEL,
    "c.txt": "Unser Büro ist im zweiten Stock.",
    "d.csv": "|= Nom | Ville\n| Hélène | Paris\n| Jean | Nîmes",
    "g.txt": "The fee is £25 per visit – not refundable.",
    "word-form.docx": (
        "Document number QM-4711 Revision 9 valid from 1 May 2026\n# Release checklist\n[x] Security review passed\n"
        "[ ] Load test passed\n[ ] Legal approval given\nOwner: Quality department, phone 5522"
    ),
    "pptx-chart-and-merge.pptx": _SALES,
    "xlsx-merged-labels.xlsx": (
        "# Staff\n|= Department | Person | Room\n| Sales | Olga Trent | B12\n| ^Sales | Piet Haan | B14\n"
        "| ^Sales | Rosa Lind | B16\n| Legal | Sven Ost | C01\n| ^Legal | Tara Unwin | C02"
    ),
    "pptx-picture-as-title.pptx": "Evacuation point is the north car park\nSecond slide stays readable",
    "filled-form.pdf": "Insured person Greta Holm\nSum insured 48500 euros\nApproved by the board on 3 May",
    "csv-preamble.csv": (
        "Export of 2026-03-01\nCreated by System 7\n|= Invoice | Customer | Total\n| 1001 | Nordlicht | 250.00\n"
        "| 1002 | Seestern | 310.00"
    ),
    "xlsx-stacked-tables.xlsx": (
        "# Overview\n|= Machine | Serial | Year\n| Press P7 | SN-100 | 2019\n| Lathe L2 | SN-200 | 2021\n\n"
        "|= Supplier | City | Discount\n| Northwind | Oslo | 4%\n| Contoso | Lyon | 6%"
    ),
    "xlsx-title-of-two-cells.xlsx": (
        "# Prices\nPrice list 2026 valid from 1 March\n|= Article | Net price | Gross price | Delivery days\n"
        "| Desk lamp | 40 | 47.6 | 3\n| Chair Nova | 180 | 214.2 | 12\n| Shelf Ida | 95 | 113.05 | 7"
    ),
    "xlsx-two-row-header.xlsx": (
        "# Budget\n|= | 2025 | <2025 | 2026 | <2026\n|= Region | Plan | Actual | Plan | Actual\n"
        "| North | 100 | 90 | 120 | 130\n| South | 200 | 210 | 220 | 190"
    ),
    "docx-header-only.docx": "Emergency number of the plant: 5566",
    "csv-sep-line.csv": "|= Artikel | Preis | Lager\n| Bürostuhl | 1.299,50 | 12\n| Schreibtisch | 899,00 | 4",
    "xlsx-formats.xlsx": (
        "# Formats\n|= Kind | Value\n| date german | 05.03.2026 | see portal\n| date time | 2026-03-05 14:30\n"
        "| duration | 30:15\n| money paren | (1,234.50)\n| accounting | -1,234.50 EUR\n| thousand scaled | 1,235k\n"
        "| percent | 8.25%\n| zip | 01234\n| zero as dash\n| yes no | Yes\n| yes no zero | No\n"
        "| phone | (555) 123-4567\n| fraction | 1/2\n| sci | 1.23E+07\n| month | {Mar 2026 2026-03-01}\n"
        "| time | 07:05\n| bool | TRUE\n| currency euro | 1,234.50 €\n| long id | 12345678901234567\n"
        "| text number | 007\n| formula without value"
    ),
}


def cases() -> list[Case]:
    """Empty where the folder is not there."""
    paths = {path.name: path for path in sorted(FOLDER.glob("*/*")) if path.name in _EXPECTED}
    return [
        Case(f"field-{name}", _FAMILIES[path.suffix], _EXPECTED[name], path.read_bytes, "field")
        for name, path in paths.items()
    ]
