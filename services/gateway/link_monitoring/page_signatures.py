"""Signatures of pages that come with status 200 although the portal is not there.

Phrases are in lower case. They are compared with short texts only (a title, the beginning of a
page, the text of a short page), so that a page that merely speaks of such things is none of them,
and a long page costs no more than a short one.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from services.gateway.link_monitoring.page import Page

PageReason = Literal[
    "suspended",
    "parked",
    "default_page",
    "directory_listing",
    "maintenance_page",
    "application_error",
    "not_found",
    "foreign_page",
]

MAX_TITLE = 300
OPENING = 500
"""Characters of the beginning of a page's text."""
SHORT_TEXT = 1500
"""Characters of text up to which a page is short."""

PLACES_OF_ERRORS = (" on line ", "stack trace", " in /", " in c:\\", "[to parent directory]")
"""What a program writes beside its message, and a text that speaks of one does not."""


@dataclass(frozen=True)
class Signature:
    """How a kind of page is recognised; one phrase of any kind suffices."""

    reason: PageReason
    any_status: bool = False
    """Whether the page means the same with an error's status."""
    title_begins: tuple[str, ...] = ()
    title_has: tuple[str, ...] = ()
    opening_has: tuple[str, ...] = ()
    """Messages of programs: on a short page, or with the place of the error."""
    short_title_has: tuple[str, ...] = ()
    """Titles and main headings of short pages."""
    short_text_has: tuple[str, ...] = ()
    path_begins: tuple[str, ...] = ()
    """Paths of the address after redirects."""
    hosts: tuple[str, ...] = ()
    """Hosts, and those below them, after redirects."""


SIGNATURES = (
    Signature(
        "suspended",
        any_status=True,
        title_begins=("account suspended", "website suspended", "site suspended"),
        short_title_has=(
            "account has been suspended",
            "account suspended",
            "akun ditangguhkan",
            "akun dinonaktifkan",
            "bandwidth limit exceeded",
            "hosting suspended",
            "layanan ditangguhkan",
            "suspended domain",
            "website ditangguhkan",
        ),
        short_text_has=(
            "this account has been suspended",
            "this website has been suspended",
            "this site has been suspended",
            "this domain has been suspended",
            "account has been disabled by",
            "akun hosting ini ditangguhkan",
            "akun hosting ini telah ditangguhkan",
            "akun ini telah ditangguhkan",
            "situs ini telah ditangguhkan",
            "website ini telah ditangguhkan",
            "website ini sedang ditangguhkan",
            "masa aktif hosting telah habis",
            "masa aktif hosting anda telah habis",
            "silakan melunasi tagihan",
        ),
        path_begins=("/cgi-sys/suspendedpage.cgi", "/suspended.page", "/cgi-sys/movingpage.cgi"),
    ),
    Signature(
        "parked",
        any_status=True,
        title_begins=("parked domain", "domain parking", "this domain is parked"),
        title_has=("domain is for sale", "domain for sale", "domain name is for sale"),
        short_title_has=("domain dijual", "domain ini dijual", "domain expired", "domain parked"),
        short_text_has=(
            "buy this domain",
            "the domain has expired. is this your domain",
            "this domain is for sale",
            "this domain is parked",
            "this domain may be for sale",
            "this domain name has expired",
            "this domain has expired",
            "domain ini dijual",
            "domain ini diparkir",
            "domain ini telah kedaluwarsa",
            "domain ini sudah tidak aktif",
            "masa aktif domain telah habis",
            "parked free, courtesy of",
        ),
        hosts=(
            "afternic.com",
            "bodis.com",
            "dan.com",
            "hugedomains.com",
            "parkingcrew.net",
            "sedo.com",
            "sedoparking.com",
        ),
    ),
    Signature(
        "default_page",
        any_status=True,
        title_begins=(
            "apache http server test page",
            "apache tomcat/",
            "apache2 centos default page",
            "apache2 debian default page",
            "apache2 test page",
            "apache2 ubuntu default page",
            "choose language | drupal",
            "default parallels plesk",
            "default plesk page",
            "default web site page",
            "domain default page",
            "http server test page",
            "iis windows",
            "iis7",
            "joomla! web installer",
            "litespeed web server",
            "congratulations | litespeed",
            "success! your new web server is ready",
            "test page for the apache",
            "test page for the http server",
            "test page for the nginx",
            "wampserver homepage",
            "web server's default page",
            "welcome to caddy",
            "your caddy installation",
            "welcome to centos",
            "welcome to codeigniter",
            "welcome to nginx",
            "welcome to openresty",
            "welcome to tengine",
            "welcome to xampp",
            "wordpress › installation",
            "wordpress › instalasi",
            "wordpress › setup configuration",
            "wordpress › pengaturan berkas konfigurasi",
            "wordpress › language selection",
            "wordpress > installation",
        ),
        short_title_has=(
            "cyberpanel installed",
            "default page",
            "default website",
            "halaman bawaan",
            "halaman default",
            "it works!",
            "laragon",
            "site not found · github pages",
            "site created successfully",
            "site is created successfully",
            "website is ready",
            "welcome to plesk",
            "welcome to your new website",
            "恭喜，站点创建成功",
            "恭喜, 站点创建成功",
            "没有找到站点",
        ),
        short_text_has=(
            "apache is functioning normally",
            "congratulations, the site is created successfully",
            "future home of something quite cool",
            "if you see this page, the nginx web server is successfully installed",
            "if you can see this page, then the people who manage this server have installed",
            "the install worked successfully! congratulations!",
            "there is no website configured at this address",
            "this is a placeholder for the subdomain",
            "this is the default index page of your website",
            "this is the default web page for this server",
            "this is the default index.html",
            "this page is autogenerated by plesk",
            "this page is generated by plesk",
            "website anda belum memiliki konten",
            "your website is up and running",
            "you are all set to go! all you have to do now is upload your website files",
        ),
        path_begins=(
            "/cgi-sys/defaultwebpage.cgi",
            "/core/install.php",
            "/installation/index.php",
            "/wp-admin/install.php",
            "/wp-admin/setup-config.php",
        ),
    ),
    Signature(
        "directory_listing",
        title_begins=("index of /", "directory listing for /", "directory listing of /"),
        short_title_has=("index of /", "directory listing for /", "directory listing for [/"),
        opening_has=("[to parent directory]",),
    ),
    Signature(
        "maintenance_page",
        any_status=True,
        title_begins=("maintenance mode", "under maintenance", "site maintenance"),
        short_title_has=(
            "be right back",
            "coming soon",
            "dalam pemeliharaan",
            "dalam perbaikan",
            "dalam perawatan",
            "dalam pengembangan",
            "down for maintenance",
            "maintenance mode",
            "mode pemeliharaan",
            "scheduled maintenance",
            "sedang maintenance",
            "sedang pemeliharaan",
            "sedang diperbaiki",
            "segera hadir",
            "site maintenance",
            "under construction",
            "under maintenance",
            "website is offline",
        ),
        short_text_has=(
            "briefly unavailable for scheduled maintenance",
            "situs ini sedang dalam pemeliharaan",
            "situs sedang dalam pemeliharaan",
            "situs sedang dalam perbaikan",
            "website sedang dalam pemeliharaan",
            "website sedang dalam perbaikan",
            "website sedang dalam pengembangan",
            "sistem sedang dalam pemeliharaan",
            "sistem sedang dalam perbaikan",
            "aplikasi sedang dalam pemeliharaan",
            "aplikasi sedang dalam perbaikan",
            "kami sedang melakukan pemeliharaan",
            "sedang dilakukan pemeliharaan",
            "this site is down for maintenance",
            "this site is currently under maintenance",
            "we are currently undergoing maintenance",
        ),
    ),
    Signature(
        "application_error",
        title_begins=(
            "application error",
            "bad gateway",
            "database error",
            "error: sqlstate",
            "gateway time-out",
            "gateway timeout",
            "internal server error",
            "runtime error",
            "server error",
            "service unavailable",
            "sqlstate[",
            "whoops! there was an error",
            "whoops, looks like something went wrong",
            "we're sorry, but something went wrong",
        ),
        title_has=(
            "500 internal server error",
            "500 server error",
            "502 bad gateway",
            "503 service unavailable",
            "503 service temporarily unavailable",
            "504 gateway time-out",
            "504 gateway timeout",
            "database error",
            "error establishing a database connection",
            "http status 500",
            "illuminate\\",
            "kesalahan basis data",
            "queryexception",
            "server error in '/",
        ),
        opening_has=(
            "a database error occurred",
            "a php error was encountered",
            "access denied for user '",
            "an uncaught exception was encountered",
            "call to undefined function ",
            "codeigniter\\database\\exceptions",
            "deprecated: implicit",
            "error connecting to database",
            "fatal error: uncaught",
            "fatal error: allowed memory size",
            "fatal error: maximum execution time",
            "fatal error: call to",
            "fatal error: require",
            "illuminate\\",
            "java.lang.",
            "mysql server has gone away",
            "mysqli_connect():",
            "mysqli_sql_exception",
            "mysqli::",
            "mysql_connect():",
            "ora-12",
            "parse error: syntax error",
            "pg_connect():",
            "php fatal error:",
            "php parse error:",
            "sqlstate[",
            'the stream or file "/',
            "traceback (most recent call last)",
            "unable to connect to database server",
            "unable to connect to your database server",
            "uncaught pdoexception",
            "yii\\db\\exception",
        ),
        short_title_has=(
            "500 internal server error",
            "a database error occurred",
            "a php error was encountered",
            "error establishing a database connection",
            "galat membangun koneksi basis data",
            "internal server error",
            "kesalahan server",
            "kesalahan sistem",
            "server error",
            "terjadi kesalahan",
        ),
        short_text_has=(
            "can't connect to local mysql server",
            "can't connect to mysql server",
            "could not connect to the database",
            "could not connect: ",
            "could not find driver",
            "database connection failed",
            "database connection error",
            "error establishing a database connection",
            "failed to connect to mysql",
            "gagal koneksi ke database",
            "gagal koneksi database",
            "gagal terhubung ke basis data",
            "gagal terhubung ke database",
            "kesalahan dalam membangun koneksi basis data",
            "kesalahan koneksi basis data",
            "kesalahan saat membangun koneksi basis data",
            "koneksi basis data gagal",
            "koneksi database gagal",
            "koneksi ke basis data gagal",
            "koneksi ke database gagal",
            "no input file specified",
            "telah terjadi kesalahan kritis pada situs",
            "telah ada eror kritis pada situs",
            "telah terjadi eror yang kritis di situs",
            "there has been a critical error on this website",
            "there has been a critical error on your website",
            "tidak dapat terhubung ke basis data",
            "tidak dapat terhubung ke database",
            "tidak bisa terhubung ke database",
            "too many connections",
            "unable to connect to the database",
        ),
    ),
    Signature(
        "not_found",
        title_begins=("404", "error 404", "not found", "tidak ditemukan", "halaman tidak"),
        title_has=(
            "404 not found",
            "error 404",
            "halaman tak ditemukan",
            "halaman tidak ada",
            "halaman tidak ditemukan",
            "laman tidak ditemukan",
            "page not found",
        ),
        short_title_has=(
            "404",
            "halaman tidak ditemukan",
            "halaman yang anda cari tidak",
            "laman tidak ditemukan",
            "not found",
            "page not found",
        ),
        short_text_has=(
            "404 not found",
            "404 page not found",
            "halaman tidak ditemukan",
            "halaman yang anda cari tidak ditemukan",
            "halaman yang anda cari tidak ada",
            "the page you are looking for could not be found",
            "the page you requested was not found",
            "the requested url was not found on this server",
        ),
    ),
    Signature(
        "foreign_page",
        any_status=True,
        title_begins=("hacked by", "defaced by", "pwned by", "owned by", "touched by", "h4cked by"),
        title_has=("hacked by", "defaced by", "pwned by", "h4cked by", "was here | "),
        short_title_has=("hacked by", "defaced by", "pwned by", "h4cked by", "you got hacked"),
        short_text_has=("hacked by ", "defaced by ", "pwned by ", "h4cked by "),
    ),
)

GAMBLING = re.compile(
    r"\b(?:slot(?:\s(?:gacor|online|maxwin|deposit|depo|demo|dana(?!\sdesa)|qris|pulsa|thailand|resmi|zeus"
    r"|777|88|terpercaya)|88|777)|situs\s(?:slot|judi|togel|toto|gacor)|judi\s(?:online|bola|slot)"
    r"|maxwin|gacor|togel|toto\s?(?:macau|slot|hk|sgp)|situstoto|bandar(?:\s?q|\sbola|\stogel)"
    r"|agen\s(?:slot|judi|bola|togel)|rtp\s(?:slot|live)|sbobet|casino\sonline|live\scasino"
    r"|poker\sonline|dominoqq|pkv\sgames|mahjong\sways|sweet\sbonanza|gates\sof\solympus"
    r"|pragmatic\splay|pg\ssoft|scatter\shitam|bonus\snew\smember|baccarat)\b"
    r"|สล็อต|บาคาร่า|คาสิโน|娱乐城|博彩|赌场|オンラインカジノ",
    re.IGNORECASE,
)
"""Words of gambling advertisements, which take the place of public portals in Indonesia."""

REPORTING = re.compile(
    r"\b(?:adu\w*|ancam\w*|bahaya|basmi|berantas\w*|berita|blokir\w*|cegah\w*|edukasi|hindari"
    r"|imbau\w*|kecanduan|lapor\w*|larang\w*|lawan|pemberantasan|pencegahan|perangi|polisi|polres"
    r"|satgas|sosialisasi|stop|tangkap|tindak|tolak|tutup|waspada\w*)\b",
    re.IGNORECASE,
)
"""Words of those who speak against it."""

ADVERTISING_WORDS = 3
"""Different words of gambling in a short page that make it an advertisement."""
ADVERTISING_DENSITY = 40
"""One word of gambling in so many words, and ten of them, are advertisements within a page."""
ADVERTISING_COUNT = 10

FOREIGN_SCRIPT = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af\u0400-\u04ff]")
"""Thai, Japanese, Chinese, Korean and Cyrillic letters."""


@dataclass(frozen=True)
class Finding:
    """What a page is recognised as, and by what."""

    reason: PageReason
    phrase: str
    is_whole_page: bool = True
    """False if only a part of the page is foreign."""


def find_signature(page: Page, *, final_url: str, is_error: bool) -> Finding | None:
    """Return what a page is recognised as; None if it may be the portal's own.

    With an error's status (`is_error`) only signatures that say more than the status count.
    """
    for signature in SIGNATURES:
        if is_error and not signature.any_status:
            continue
        phrase = _match(signature, page, final_url)
        if phrase is not None:
            return Finding(signature.reason, phrase)
    return _find_gambling(page)


def _match(signature: Signature, page: Page, final_url: str) -> str | None:
    """Return the phrase by which a page has a signature."""
    title = page.title[:MAX_TITLE].lower()
    text = page.text.lower() if len(page.text) <= SHORT_TEXT else None
    opening = page.text[:OPENING].lower()
    is_message = text is not None or any(place in opening for place in PLACES_OF_ERRORS)
    address = urlsplit(final_url)
    path, host = address.path.lower(), (address.hostname or "").lower()
    short_titles = [] if text is None else [title, *(h[:MAX_TITLE].lower() for h in page.headings)]
    matches = (
        *(phrase for phrase in signature.title_begins if title.startswith(phrase)),
        *(phrase for phrase in signature.title_has if phrase in title),
        *(phrase for phrase in signature.opening_has if is_message and phrase in opening),
        *(p for p in signature.short_title_has if any(p in short for short in short_titles)),
        *(phrase for phrase in signature.short_text_has if text is not None and phrase in text),
        *(phrase for phrase in signature.path_begins if path.startswith(phrase)),
        *(name for name in signature.hosts if host == name or host.endswith(f".{name}")),
    )
    return matches[0] if matches else None


def _find_gambling(page: Page) -> Finding | None:
    """Recognise a page, or a part of one, that advertises gambling."""
    title = page.title[:MAX_TITLE]
    in_title = [match.lower() for match in GAMBLING.findall(title)]
    if len(in_title) >= ADVERTISING_WORDS or (in_title and not REPORTING.search(title)):
        return Finding("foreign_page", in_title[0])
    words = [match.lower() for match in GAMBLING.findall(page.text)]
    is_short = len(page.text) <= SHORT_TEXT
    named = {match.lower() for match in GAMBLING.findall(f"{title} {page.description[:1000]}")}
    different = len({*words, *named})
    if is_short and different >= ADVERTISING_WORDS and not REPORTING.search(page.text):
        return Finding("foreign_page", ", ".join(sorted({*words, *named})[:3]))
    count = len(page.text.split())
    if len(words) >= ADVERTISING_COUNT and len(words) * ADVERTISING_DENSITY >= count:
        return Finding("foreign_page", words[0], is_whole_page=False)
    letters = [character for character in title if character.isalpha()]
    if len(letters) >= 4 and 2 * len(FOREIGN_SCRIPT.findall(title)) > len(letters):
        return Finding("foreign_page", "title in another script")
    return None
