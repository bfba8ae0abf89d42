"""Text and tables: odd letters, one endless line, quotes never closed, and encodings that nobody announced."""

from tests.indexer.hostile.cases import failed, indexed, skipped

HELD = "Annual leave is thirty days."
LINE = f"{HELD}\n"
_BINARY = r"The file is not text: it holds binary data\..*"
TABLE = "name,days\nAnna,30\nBernd,28\n"
HANZI = "年假是三十天。员工必须事先提出申请。\n" * 20

TEXT = (
    indexed("a line of 300 kB.txt", "one line of 300 kB", lambda: LINE.encode() + b"word " * 60_000, HELD),
    indexed("a word of 300,000 letters.txt", "one word", lambda: LINE.encode() + b"w" * 300_000, HELD),
    indexed("500,000 empty lines.txt", "lines of nothing", lambda: b" \t\n" * 500_000 + LINE.encode(), HELD),
    indexed(
        "marks without end.txt",
        "100,000 accents on one letter",
        lambda: (LINE + "e" + "\u0301\u0315" * 50_000).encode(),
        HELD,
    ),
    indexed(
        "bidi overrides.txt",
        "letters that turn what follows",
        lambda: (LINE + "\u202e\u2066\u2067\u202d" * 50_000 + "gnp.exe").encode(),
        HELD,
    ),
    indexed(
        "private letters.txt",
        "letters without a meaning",
        lambda: (LINE + "\ue000\U000f0000" * 50_000).encode(),
        HELD,
        ".*",
    ),
    indexed(
        "no characters.txt",
        "code points that are no characters",
        lambda: (LINE + "\ufffe\uffff\ufdd0" * 10_000).encode(),
        HELD,
        ".*",
    ),
    indexed(
        "half characters.txt",
        "lone surrogates in UTF-8",
        lambda: (LINE * 50).encode() + b"\xed\xa0\x80" * 3 + LINE.encode() * 50,
        HELD,
        ".*",
    ),
    indexed(
        "overlong letters.txt",
        "letters of more bytes than they need",
        lambda: (LINE * 500).encode() + b"\xc0\xaf\xe0\x80\xaf",
        HELD,
        ".*",
    ),
    indexed(
        "control characters.txt",
        "bells, escapes and backspaces",
        lambda: (LINE * 200).encode() + b"\x1b[2J\x07\x08",
        HELD,
    ),
    indexed("one letter.txt", "a file of one letter", lambda: b"a", "a"),
    failed("control characters only.txt", "nothing that can be read", lambda: bytes(range(1, 32)) * 500, _BINARY),
    skipped(
        "zeros.txt",
        "a megabyte of zero bytes",
        lambda: bytes(1_000_000),
        r"The file holds no text that a reader would see\.",
    ),
    skipped(
        "marks of byte order only.txt",
        "a mark and nothing else",
        lambda: b"\xef\xbb\xbf",
        r"The file holds no text that a reader would see\.",
    ),
    skipped(
        "white space.txt",
        "spaces of every kind",
        lambda: "\u2003\u00a0\u200b\t\n ".encode() * 10_000,
        r"The file holds no text that a reader would see\.",
    ),
    indexed(
        "UTF-16 without a mark.txt", "two bytes a letter, unannounced", lambda: (LINE * 40).encode("utf-16-le"), HELD
    ),
    indexed(
        "UTF-16 the other way round.txt",
        "two bytes a letter, unannounced",
        lambda: (LINE * 40).encode("utf-16-be"),
        HELD,
    ),
    indexed(
        "UTF-16 cut in a letter.txt", "half a letter at the end", lambda: (LINE * 40).encode("utf-16")[:-1], HELD, ".*"
    ),
    indexed("UTF-32.txt", "four bytes a letter", lambda: (LINE * 40).encode("utf-32"), HELD),
    indexed("GB18030.txt", "Chinese, unannounced", lambda: HANZI.encode("gb18030"), "年假是三十天"),
    indexed(
        "Big5.txt",
        "Chinese, unannounced",
        lambda: ("年假是三十天。員工必須事先提出申請。\n" * 20).encode("big5"),
        "年假是三十天",
    ),
    indexed(
        "Shift JIS.txt",
        "Japanese, unannounced",
        lambda: ("年次有給休暇は三十日です。事前に申請してください。\n" * 20).encode("shift_jis"),
        "年次有給休暇",
    ),
    indexed("UTF-7.txt", "letters in plus signs", lambda: (LINE * 20).encode() + "Überstunden".encode("utf-7"), HELD),
    indexed(
        "two encodings.txt",
        "UTF-8, then Latin-1",
        lambda: (LINE * 50 + "Größe der Räume\n" * 50).encode() + ("Größe der Räume\n" * 3).encode("latin-1"),
        HELD,
        ".*",
    ),
    indexed(
        "all line ends.txt",
        "every end of a line that there is",
        lambda: "one\rtwo\r\nthree\n\rfour\x0bfive\x0csix\x85seven\u2028eight\u2029nine".encode(),
        "nine",
    ),
    indexed(
        "a numbering without end.txt",
        "numbers that count nothing",
        lambda: b"1." * 50_000 + b"\n" + LINE.encode(),
        HELD,
    ),
    indexed("a row of 1 MB.csv", "one row of a megabyte", lambda: TABLE.encode() + b"word," * 200_000, "Anna"),
    indexed("100,000 columns.csv", "a header of 100,000 columns", lambda: b"a," * 100_000 + b"\n1,2\n", ""),
    indexed(
        "wide, then narrow.csv",
        "one wide row over 10,000 of one cell",
        lambda: b"1," * 10_000 + b"\n" + b"1\n" * 10_000,
        "",
    ),
    indexed(
        "a quote never closed.csv",
        "a cell up to the end of the file",
        lambda: (TABLE + '"' + "a,b\n" * 20_000).encode(),
        "Anna",
        ".*",
    ),
    indexed("quotes in quotes.csv", "quotes without end", lambda: (TABLE + '"' * 50_000).encode(), "Anna", ".*"),
    indexed(
        "mixed line ends.csv",
        "rows that end in three ways",
        lambda: b"name,days\rAnna,30\r\nBernd,28\n\rCarla,27",
        "Carla",
    ),
    failed("NULs.csv", "zero bytes between cells", lambda: TABLE.encode().replace(b",", b"\0"), _BINARY),
    indexed(
        "sep is a quote.csv", "a sep line that names the quotation mark", lambda: b'sep="\n' + TABLE.encode(), "Anna"
    ),
    indexed("sep of nothing.csv", "a sep line without a letter", lambda: b"sep=\n" + TABLE.encode(), "Anna"),
    indexed(
        "sep of letters.csv",
        "a sep line of 200,000 letters",
        lambda: b"sep=" + b"x" * 200_000 + b"\n" + TABLE.encode(),
        "Anna",
    ),
    indexed(
        "sep is a line end.csv", "a sep line that names the end of lines", lambda: b"sep=\r\n" + TABLE.encode(), "Anna"
    ),
    indexed(
        "UTF-16 without a mark.csv", "two bytes a letter, unannounced", lambda: (TABLE * 30).encode("utf-16-le"), "Anna"
    ),
    indexed(
        "GB18030.csv",
        "Chinese, unannounced",
        lambda: ("姓名,天数\n王小明,三十\n李大华,二十八\n" * 20).encode("gb18030"),
        "王小明",
    ),
    indexed("UTF-7.csv", "letters in plus signs", lambda: TABLE.encode() + "Jürgen,27".encode("utf-7"), "Anna"),
    indexed("EBCDIC.csv", "letters of a mainframe", lambda: (TABLE * 30).encode("cp500"), "", ".*"),
    indexed(
        "formulas.csv",
        "cells that start programs in Excel",
        lambda: (TABLE + "=cmd|'/C calc'!A0,@SUM(1)\n").encode(),
        "cmd",
    ),
    indexed("delimiters that fight.csv", "four delimiters as often as each other", lambda: b"a,b;c\td|e\n" * 2_000, ""),
    skipped(
        "commas only.csv",
        "rows without a cell",
        lambda: b",,,,\n" * 10_000,
        r"The file holds no text that a reader would see\.",
    ),
    indexed(
        "tabs.tsv", "a hundred thousand tabs", lambda: b"name\tdays\nAnna\t30\n" + b"\t" * 100_000 + b"end", "Anna"
    ),
)
