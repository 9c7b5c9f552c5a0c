"""What people in Toba ask for, in their words, finds the right service first."""

from collections.abc import Iterator

import pytest

from services.catalog.app import create_app
from tests.conftest import Room, Server, room


@pytest.fixture(scope="module")
def toba_catalog(server: Server, toba: str) -> Iterator[Room]:
    """Provide the catalog service by itself, with the Toba pack."""
    with server.database_from(toba) as name, room(create_app, server.settings(name)) as started:
        yield started


ASKED = [
    ("KTP", "ktp-el"),
    ("buat ktp", "ktp-el"),
    ("ktp hilang", "ktp-el"),
    ("KK", "kartu-keluarga"),
    ("kartu keluarga", "kartu-keluarga"),
    ("akte lahir", "akta-kelahiran"),
    ("akte kelahiran anak", "akta-kelahiran"),
    ("akta kematian", "akta-kematian"),
    ("daftar nikah", "akta-perkawinan"),
    ("KIA", "kia"),
    ("pindah alamat", "pindah-datang"),
    ("ktp digital", "identitas-kependudukan-digital"),
    ("IMB", "pbg"),
    ("izin bangunan", "pbg"),
    ("izin mendirikan rumah", "pbg"),
    ("NIB", "nib"),
    ("izin usaha", "izin-usaha-berbasis-risiko"),
    ("nomor induk berusaha", "nib"),
    ("PIRT", "spp-irt"),
    ("kartu kuning", "kartu-ak1"),
    ("AK1", "kartu-ak1"),
    ("lowongan kerja", "lapor-lowongan"),
    ("SKCK", "skck"),
    ("pajak bumi bangunan", "pbb-p2"),
    ("bayar pbb", "pbb-p2"),
    ("BPHTB", "bphtb"),
    ("balik nama sertifikat tanah", "balik-nama-sertipikat"),
    ("KIR", "uji-berkala-kendaraan"),
    ("uji kir mobil", "uji-berkala-kendaraan"),
    ("BPJS", "berobat-puskesmas"),
    ("bpjs gratis", "bpjs-pbi"),
    ("bpjs tidak aktif", "bpjs-pbi"),
    ("surat rujukan", "rujukan-puskesmas"),
    ("imunisasi bayi", "imunisasi-anak"),
    ("periksa hamil", "kesehatan-ibu-hamil"),
    ("UGD", "gawat-darurat"),
    ("opname", "rawat-inap"),
    ("bansos", "pendataan-keluarga-miskin"),
    ("cek bansos", "cek-penerima-bansos"),
    ("PKH", "program-keluarga-harapan"),
    ("daftar sekolah", "penerimaan-murid-baru"),
    ("minta informasi publik", "permohonan-informasi-publik"),
    ("PPID", "permohonan-informasi-publik"),
    ("pengaduan", "pengaduan-pelayanan-publik"),
    ("lapor", "pengaduan-pelayanan-publik"),
    ("amdal", "persetujuan-lingkungan"),
    ("angkut sampah", "pelayanan-sampah"),
    ("pupuk subsidi", "pupuk-bersubsidi"),
    ("pinjam buku", "anggota-perpustakaan"),
    ("banjir", "tanggap-darurat-bencana"),
    ("koperasi merah putih", "pendirian-koperasi"),
    ("UMKM", "pembinaan-umkm"),
    ("phk", "mediasi-hubungan-industrial"),
    ("perda", "jdih"),
    ("birth certificate", "akta-kelahiran"),
    ("identity card", "ktp-el"),
    ("building permit", "pbg"),
    ("property tax", "pbb-p2"),
    ("complaint", "pengaduan-pelayanan-publik"),
    ("bagaimana cara mengurus akta lahir", "akta-kelahiran"),
    ("syarat membuat KTP", "ktp-el"),
    ("dimana bayar pajak tanah", "pbb-p2"),
    ("saya mau buka usaha", "nib"),
    ("surat tanah", "sertipikat-tanah-pertama"),
    ("surat pindah sekolah", "mutasi-siswa"),
    ("izin praktik bidan", "izin-praktik-tenaga-kesehatan"),
]


@pytest.mark.parametrize(("query", "first"), ASKED)
def test_people_find_first_what_they_mean(toba_catalog: Room, query: str, first: str) -> None:
    answer = toba_catalog.get("/api/v1/services", query=query)
    assert [item["slug"] for item in answer.json()["items"]][:1] == [first]


def test_each_common_name_finds_its_own_service_first(toba_catalog: Room) -> None:
    services = toba_catalog.get("/api/v1/services", limit=100).json()["items"]
    assert len(services) >= 48
    wrong: dict[str, str] = {}
    for item in services:
        content = toba_catalog.get(item["href"]).json()["service"]
        for name in content["common_names"]:
            found = toba_catalog.get("/api/v1/services", query=name).json()["items"]
            if not found or found[0]["slug"] != item["slug"]:
                wrong[name] = found[0]["slug"] if found else "nothing"
    assert wrong == {}
