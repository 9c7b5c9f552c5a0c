"""The pages `/nasional`: coverage first, then the figures, rendered on the server.

They call the operations of `/api/v1/national` in this process, so that page and API agree.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from markupsafe import Markup

from services.collector.hub_list import RegencyCode
from services.collector.national import NATIONAL, Snapshot
from services.collector.routes import (
    chosen_period,
    find_hub,
    get_national,
    list_hubs,
    ranked_year,
    search_services,
)
from services.collector.schemas import Hub, HubStanding, RankedHub
from services.gateway.portal.charts.score_drawings import ScoreBar, score_bars
from services.gateway.portal.templating import TEMPLATES as SHARED_TEMPLATES
from services.gateway.portal.templating import environment as shared_environment
from services.platform.languages import (
    COMPLETE_LANGUAGES,
    LANGUAGE_NAMES,
    SOURCE_LANGUAGE,
    Language,
)
from services.platform.parameters import LanguageQuery
from services.platform.problems import NotFound, Unavailable
from services.platform.router import Router
from services.platform.translation import N_, Message, translator
from services.platform.types import Year

TEMPLATES = Path(__file__).parent / "templates"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
MOST_NAMED = 10
"""Regencies that the first page names of each kind; the others are one tap further."""
PER_PAGE = 100

STANDINGS: Mapping[HubStanding, Message] = {
    "untrusted": N_("tidak dapat dipercaya"),
    "silent": N_("tidak menjawab"),
    "behind": N_("tertinggal"),
    "current": N_("melapor"),
}
FINDINGS: Mapping[str, Message] = {
    "altered": N_("Berkas penilaian diubah: tanda tangan atau angkanya tidak cocok."),
    "key_changed": N_("Kunci penanda tangan bukan yang terdaftar."),
    "replayed": N_("Penilaian lama dikirim lagi, padahal yang lebih baru sudah diterima."),
    "withdrawn": N_("Penilaian yang pernah diterbitkan tidak lagi ada dalam daftarnya."),
    "wrong_region": N_("Yang dikirim milik kabupaten/kota lain."),
}
EXCLUSIONS: Mapping[str, Message] = {
    "untrusted": N_("tidak dapat dipercaya"),
    "other_method": N_("versi metodenya lain"),
    "too_little_evidence": N_("bukti belum cukup"),
}

router = Router(include_in_schema=False, default_response_class=HTMLResponse)


@cache
def environment(language: Language) -> Environment:
    """Return the portal's environment with the collector's templates beside its own."""
    folders = [FileSystemLoader(TEMPLATES), FileSystemLoader(SHARED_TEMPLATES)]
    return shared_environment(language).overlay(loader=ChoiceLoader(folders))


def render(
    request: Request,
    language: Language,
    template: str,
    *,
    snapshot: Snapshot | None = None,
    status: int = 200,
    data: str | None = None,
    **values: Any,
) -> HTMLResponse:
    """Return a page; `data` is the address of its JSON representation."""
    messages = translator(language)
    coverage = None if snapshot is None else snapshot.coverage
    zone = None if snapshot is None else snapshot.zone

    def moment(at: datetime) -> str:
        local = at.astimezone(zone)
        return f"{messages.long_date(local.date())} {messages.clock(local)}"

    def age(at: datetime) -> str:
        today = datetime.now(zone).date()
        return messages.days_ago(at.astimezone(zone).date(), today=today)

    html = (
        environment(language)
        .get_template(template)
        .render(
            place=None if coverage is None else messages.choose(coverage.name, en=coverage.name_en),
            canonical=None,
            appearance=None,
            arms=None,
            works_offline=False,
            other_languages=[
                {
                    "code": code,
                    "name": LANGUAGE_NAMES[code],
                    "href": f"?{request.url.include_query_params(lang=code).query}",
                }
                for code in COMPLETE_LANGUAGES
                if code != language
            ],
            data=data,
            coverage=coverage,
            moment=moment,
            age=age,
            standings=messages.labels(STANDINGS),
            findings=messages.labels(FINDINGS),
            exclusions=messages.labels(EXCLUSIONS),
            **values,
        )
    )
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Content-Language": language,
    }
    return HTMLResponse(html, status_code=status, headers=headers)


def missing(request: Request, language: Language, problem: NotFound | Unavailable) -> HTMLResponse:
    """Return the page for what does not exist, or is not known before the first round."""
    is_waiting = isinstance(problem, Unavailable)
    return render(
        request, language, "national-missing.html", status=problem.status, is_waiting=is_waiting
    )


@router.get("/")
async def front() -> Response:
    """Lead to the page."""
    return RedirectResponse("/nasional", status_code=302)


@router.get("/nasional")
async def national(
    request: Request, language: LanguageQuery = SOURCE_LANGUAGE, tahun: Year | None = None
) -> HTMLResponse:
    """Show coverage, what needs attention, proven and possible, best practice and outages."""
    known = get_national(request)
    try:
        snapshot = await known.current()
    except Unavailable as problem:
        return missing(request, language, problem)
    try:
        year = await ranked_year(known, chosen_period(snapshot, tahun))
    except NotFound:
        year = None
    hubs = list(snapshot.hubs.values())
    return render(
        request,
        language,
        "national.html",
        snapshot=snapshot,
        data=f"{NATIONAL}/coverage",
        counts=_counts(snapshot),
        untrusted=[hub for hub in hubs if hub.standing == "untrusted"][:PER_PAGE],
        silent=_longest_silent(hubs),
        behind=[hub for hub in hubs if hub.standing == "behind"][:MOST_NAMED],
        most=MOST_NAMED,
        ranking=None if year is None else year.ranking,
        picture=None if year is None else _picture(year.ranking.items[:MOST_NAMED], language),
        elements=[] if year is None else [one for one in year.elements if one.best],
        outages=[one for one in snapshot.outages if one.broken_for],
        portals=len(snapshot.outages),
    )


@router.get("/nasional/kabupaten")
async def hubs(
    request: Request,
    language: LanguageQuery = SOURCE_LANGUAGE,
    keadaan: HubStanding | None = None,
    cursor: RegencyCode | None = None,
) -> HTMLResponse:
    """List the hubs with what is known of each."""
    try:
        snapshot = await get_national(request).current()
    except Unavailable as problem:
        return missing(request, language, problem)
    page = await list_hubs(request, standing=keadaan, cursor=cursor, limit=PER_PAGE)
    return render(
        request,
        language,
        "national-hubs.html",
        snapshot=snapshot,
        data=f"{NATIONAL}/hubs" + (f"?standing={keadaan}" if keadaan else ""),
        page=page,
        chosen=keadaan,
        after=page.items[-1].region if page.next else None,
    )


@router.get("/nasional/kabupaten/{region}")
async def hub(
    request: Request, region: RegencyCode, language: LanguageQuery = SOURCE_LANGUAGE
) -> HTMLResponse:
    """Show what is known of a regency's hub."""
    try:
        snapshot = await get_national(request).current()
        found = find_hub(snapshot, region)
    except (NotFound, Unavailable) as problem:
        return missing(request, language, problem)
    return render(
        request, language, "national-hub.html", snapshot=snapshot, data=found.href, hub=found
    )


@router.get("/nasional/peringkat")
async def ranking(
    request: Request,
    language: LanguageQuery = SOURCE_LANGUAGE,
    tahun: Year | None = None,
    halaman: int = Query(default=1, ge=1, le=100),
) -> HTMLResponse:
    """Show the ranking of a year, a hundred regencies at a time."""
    known = get_national(request)
    try:
        snapshot = await known.current()
        year = await ranked_year(known, tahun)
    except (NotFound, Unavailable) as problem:
        return missing(request, language, problem)
    start = (halaman - 1) * PER_PAGE
    return render(
        request,
        language,
        "national-ranking.html",
        snapshot=snapshot,
        data=f"{NATIONAL}/ranking?period={year.ranking.period}",
        ranking=year.ranking,
        shown=year.ranking.items[start : start + PER_PAGE],
        page=halaman,
        has_more=len(year.ranking.items) > start + PER_PAGE,
    )


@router.get("/nasional/layanan")
async def services(
    request: Request,
    language: LanguageQuery = SOURCE_LANGUAGE,
    q: str = Query(default="", max_length=200),
    kabupaten: str = Query(default="", pattern=r"^(\d{2}\.\d{2})?$"),
) -> HTMLResponse:
    """Search the services of all regencies, or of one."""
    try:
        snapshot = await get_national(request).current()
    except Unavailable as problem:
        return missing(request, language, problem)
    words = q.replace("\0", "").strip()
    found = None
    if words:
        found = await search_services(
            request, query=words, region=kabupaten or None, cursor=None, limit=20
        )
    return render(
        request,
        language,
        "national-services.html",
        snapshot=snapshot,
        query=words,
        chosen=kabupaten,
        hubs=list(snapshot.hubs.values()),
        found=found,
    )


def _counts(snapshot: Snapshot) -> list[tuple[HubStanding, int]]:
    counts = snapshot.coverage
    return [
        ("current", counts.current),
        ("behind", counts.behind),
        ("silent", counts.silent),
        ("untrusted", counts.untrusted),
    ]


def _longest_silent(hubs: Sequence[Hub]) -> list[Hub]:
    silent = [hub for hub in hubs if hub.standing == "silent" and hub.silent_since is not None]
    return sorted(silent, key=lambda hub: (str(hub.silent_since), hub.region))[:MOST_NAMED]


def _picture(items: Sequence[RankedHub], language: Language) -> Markup | None:
    """Return the first regencies as bars from what is proven to what is possible."""
    if not items:
        return None
    messages = translator(language)
    suffix = "" if language == SOURCE_LANGUAGE else f"?lang={language}"
    rows = [
        ScoreBar(
            label=f"{one.rank}. {one.name}",
            figure="–" if one.proven is None else messages.number(one.proven, 1),
            value=one.value,
            interval=None if one.low is None or one.high is None else (one.low, one.high),
            bounds=None
            if one.proven is None or one.possible is None
            else (one.proven, one.possible),
            href=f"/nasional/kabupaten/{one.region}{suffix}",
        )
        for one in items
    ]
    return score_bars(
        rows,
        name="national",
        title=messages.gettext("Yang terbukti dan yang paling tinggi, sepuluh teratas"),
        description=messages.gettext(
            "Penuh: terbukti. Berarsir: sampai yang paling tinggi. Tanda tegak: perkiraan."
        ),
    ).inline()
