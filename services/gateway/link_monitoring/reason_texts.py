"""The reasons of a state in words for citizens, in Indonesian and English."""

from collections.abc import Mapping

from services.gateway.link_monitoring.classify import Reason

REASONS: Mapping[Reason, tuple[str, str]] = {
    "dns": ("alamatnya tidak ditemukan", "its address is not found"),
    "tls": ("sertifikat keamanannya bermasalah", "its security certificate is faulty"),
    "tls_chain": ("sertifikat keamanannya tidak lengkap", "its certificate chain is incomplete"),
    "tls_expiring": (
        "sertifikat keamanannya segera berakhir",
        "its security certificate ends soon",
    ),
    "domain_expiring": ("nama domainnya segera berakhir", "its domain name ends soon"),
    "domain_expired": ("nama domainnya sudah berakhir", "its domain name has ended"),
    "timeout": ("tidak menjawab pada waktunya", "it does not answer in time"),
    "refused": ("tidak dapat dihubungi", "it cannot be reached"),
    "cut": ("sambungannya terputus", "it breaks off the connection"),
    "private_address": (
        "mengarah ke alamat yang bukan alamat umum",
        "it leads to an address that is not public",
    ),
    "redirect_loop": ("pengalihannya berputar-putar", "it redirects in a circle"),
    "bad_redirect": ("pengalihannya salah", "its redirect is wrong"),
    "forbidden": ("menolak diperiksa oleh hub ini", "it refuses to be checked by this hub"),
    "geo_block": (
        "menolak sambungan dari jaringan hub ini",
        "it refuses connections from where this hub is",
    ),
    "challenge": (
        "meminta pembuktian bahwa pengunjung bukan robot",
        "it asks visitors to prove that they are human",
    ),
    "login_wall": ("meminta masuk dengan akun", "it asks for a login"),
    "gone": ("halamannya tidak ada lagi", "its page is gone"),
    "client_error": ("menolak permintaan", "it rejects the request"),
    "rate_limited": ("membatasi jumlah permintaan", "it limits the number of requests"),
    "server_error": ("mengalami gangguan di servernya", "its server has an error"),
    "slow": ("lambat", "it is slow"),
    "hub_offline": (
        "belum diketahui karena jaringan hub ini terputus",
        "not known, because this hub's own network is down",
    ),
    "not_checked": ("belum diperiksa", "not checked yet"),
}


def in_words(reason: str | None, language: str) -> str:
    """A reason in a language; nothing where there is none."""
    known = REASONS.get(reason)  # pyright: ignore[reportArgumentType, reportCallIssue]
    if known is None:
        return ""
    return known[1] if language == "en" else known[0]


def short_title(title: str) -> str:
    """`SIMBG` of `SIMBG: persetujuan bangunan gedung`."""
    return title.partition(":")[0].strip()
