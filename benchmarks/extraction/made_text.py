"""CSV and plain text: separators, title lines, quotes, and the encodings that files of companies have."""

from benchmarks.extraction.cases import Family

CSV = Family("csv")
TEXT = Family("text")

_INVOICES = "|= Invoice | Customer | Total\n| 1001 | Nordlicht | 250.00\n| 1002 | Seestern | 310.00"


@CSV.case("plain.csv", _INVOICES)
def plain() -> bytes:
    return b"Invoice,Customer,Total\n1001,Nordlicht,250.00\n1002,Seestern,310.00\n"


@CSV.case("semicolons.csv", "|= Artikel | Preis | Lager\n| Bürostuhl | 1.299,50 | 12\n| Schreibtisch | 899,00 | 4")
def semicolons() -> bytes:
    return "Artikel;Preis;Lager\r\nBürostuhl;1.299,50;12\r\nSchreibtisch;899,00;4\r\n".encode("cp1252")


@CSV.case("sep-line.csv", "|= Artikel | Preis | Lager\n| Bürostuhl | 1.299,50 | 12\n| Schreibtisch | 899,00 | 4")
def sep_line() -> bytes:
    return "sep=;\r\nArtikel;Preis;Lager\r\nBürostuhl;1.299,50;12\r\nSchreibtisch;899,00;4\r\n".encode()


@CSV.case("preamble.csv", f"Export of 2026-03-01\nCreated by System 7\n{_INVOICES}")
def preamble() -> bytes:
    return b"Export of 2026-03-01,,\nCreated by,System 7,\n\n" + plain()


@CSV.case(
    "two-tables.csv", f"{_INVOICES}\n\n|= Supplier | City | Discount\n| Northwind | Oslo | 4%\n| Contoso | Lyon | 6%"
)
def two_tables() -> bytes:
    return (
        b"Invoice,Customer,Total\n1001,Nordlicht,250.00\n1002,Seestern,310.00\n,,\nSupplier,City,Discount\n"
        b"Northwind,Oslo,4%\nContoso,Lyon,6%\n"
    )


@CSV.case("utf-16.tsv", "|= Name | Ort\n| Žofie | Plzeň\n| Jörg | Köln")
def utf_16() -> bytes:
    return "Name\tOrt\r\nŽofie\tPlzeň\r\nJörg\tKöln\r\n".encode("utf-16")


@CSV.case("quotes.csv", '|= Role | Duty\n| Warden | Checks "routes", keeps the list\n| Aider | Fills the cabinets')
def quotes() -> bytes:
    return b'Role,Duty\nWarden,"Checks ""routes"",\nkeeps the list"\nAider,Fills the cabinets\n'


@CSV.case("one-umlaut.csv", "|= Nom | Ville\n| Hélène | Paris\n| Jean | Nîmes")
def one_umlaut() -> bytes:
    return "Nom;Ville\nHélène;Paris\nJean;Nîmes\n".encode("cp1252")


@CSV.case("pipes.csv", "|= Code | Text\n| A1 | pump; large\n| B2 | valve, small")
def pipes() -> bytes:
    return b"Code|Text\nA1|pump; large\nB2|valve, small\n"


@CSV.case("central-europe.csv", "|= Jméno | Město\n| Jiří Dvořák | Plzeň\n| Věra Šťastná | České Budějovice")
def central_europe() -> bytes:
    return "Jméno;Město\nJiří Dvořák;Plzeň\nVěra Šťastná;České Budějovice\n".encode("cp1250")


@CSV.case("no-names.csv", "| 2026-03-01 | 4.2 | ok\n| 2026-03-02 | 4.4 | ok\n| 2026-03-03 | 4.1 | low")
def no_names() -> bytes:
    """Measurements from the first line on: nothing names the columns."""
    return b"2026-03-01,4.2,ok\n2026-03-02,4.4,ok\n2026-03-03,4.1,low\n"


@CSV.case("one-column.csv", "|= Mail\n| mara.voss@example.com\n| ina.falk@example.com")
def one_column() -> bytes:
    return b"Mail\nmara.voss@example.com\nina.falk@example.com\n"


@TEXT.case(
    "wrapped.txt",
    "The canteen opens at half past seven and serves warm meals until two in the afternoon.\n"
    "Guests pay the price that is written on the board.",
)
def wrapped() -> bytes:
    return (
        b"The canteen opens at half past seven and serves warm\nmeals until two in the afternoon.\n\n"
        b"Guests pay the price that is written on the board.\n"
    )


@TEXT.case("headings.txt", "# Canteen\nIt opens at seven.\n# Rooms\nBook them early.\nkeys\nlamps")
def headings() -> bytes:
    return b"Canteen\n=======\n\nIt opens at seven.\n\nRooms\n-----\n\nBook them early.\n\n- keys\n- lamps\n"


@TEXT.case("one-umlaut.txt", "Unser Büro ist im zweiten Stock.")
def umlaut() -> bytes:
    return "Unser Büro ist im zweiten Stock.\n".encode("cp1252")


@TEXT.case("pounds.txt", "The fee is £25 per visit – not refundable.")
def pounds() -> bytes:
    return "The fee is £25 per visit – not refundable.\n".encode("cp1252")


@TEXT.case("utf-16.txt", "Prosím zavřete dveře. Klíče má vrátný.")
def text_utf_16() -> bytes:
    return "Prosím zavřete dveře.\r\nKlíče má vrátný.\r\n".encode("utf-16")


@TEXT.case("cyrillic.txt", "Столовая открывается в семь часов. Гости платят по прейскуранту на доске у кассы.")
def cyrillic() -> bytes:
    return "Столовая открывается в семь часов.\nГости платят по прейскуранту на доске у кассы.\n".encode("cp1251")


@TEXT.case("shift-jis.txt", "社員食堂は七時半に開きます。お客様は掲示板の料金を払います。")
def shift_jis() -> bytes:
    return "社員食堂は七時半に開きます。\nお客様は掲示板の料金を払います。\n".encode("shift_jis")


@TEXT.case("polish.txt", "Stołówka otwiera się o siódmej. Goście płacą według cennika na tablicy.")
def polish() -> bytes:
    return "Stołówka otwiera się o siódmej.\nGoście płacą według cennika na tablicy.\n".encode("cp1250")


@TEXT.case("columns.txt", "Article Price Stock\nDesk lamp 40.00 12\nChair Nova 180.00 3")
def columns() -> bytes:
    return b"Article        Price   Stock\nDesk lamp      40.00      12\nChair Nova    180.00       3\n"


@TEXT.case("boxes.txt", "Release checklist\n[x] Security review passed\n[ ] Load test passed")
def text_boxes() -> bytes:
    return b"Release checklist\n\n[x] Security review passed\n[ ] Load test passed\n"


@TEXT.case("hebrew.txt", "נוהל חופשה\nלכל עובד יש עשרים ימי חופשה")
def hebrew() -> bytes:
    return "נוהל חופשה\n\nלכל עובד יש עשרים ימי חופשה\n".encode()


@TEXT.case("french.txt", "L’été dernier, le château était fermé. Où est la clé ? À côté de l’entrée.")
def french() -> bytes:
    return "L’été dernier, le château était fermé.\nOù est la clé ? À côté de l’entrée.\n".encode("cp1252")


@CSV.case("sep-tab.csv", "|= Name | Ort\n| Jörg | Köln\n| Änne | Jülich")
def sep_tab() -> bytes:
    return "sep=\t\r\nName\tOrt\r\nJörg\tKöln\r\nÄnne\tJülich\r\n".encode("utf-16")


@CSV.case("decimal-commas.csv", "|= Datum | Wert | Ort\n| 2026-03-01 | 4,25 | Köln\n| 2026-03-02 | 4,5 | Bonn")
def decimal_commas() -> bytes:
    return "Datum;Wert;Ort\n01.03.2026;4,25;Köln\n02.03.2026;4,5;Bonn\n".encode("utf-8-sig")


@TEXT.case("gbk.txt", "会议室在三楼。请提前一天预订。钥匙在前台。")
def gbk() -> bytes:
    return "会议室在三楼。请提前一天预订。\n钥匙在前台。\n".encode("gbk")


@TEXT.case("korean.txt", "회의실은 삼층에 있습니다. 하루 전에 예약하십시오. 열쇠는 안내 데스크에 있습니다.")
def korean() -> bytes:
    return "회의실은 삼층에 있습니다. 하루 전에 예약하십시오.\n열쇠는 안내 데스크에 있습니다.\n".encode("cp949")


@TEXT.case("greek.txt", "Η τραπεζαρία ανοίγει στις επτά. Οι επισκέπτες πληρώνουν στο ταμείο.")
def greek() -> bytes:
    return "Η τραπεζαρία ανοίγει στις επτά.\nΟι επισκέπτες πληρώνουν στο ταμείο.\n".encode("iso-8859-7")


@TEXT.case("turkish.txt", "Şirket yemekhanesi yedide açılır. Ücret ay sonunda ödenir.")
def turkish() -> bytes:
    return "Şirket yemekhanesi yedide açılır.\nÜcret ay sonunda ödenir.\n".encode("cp1254")
