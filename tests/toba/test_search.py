"""What people in Toba ask for, in their words, finds the right service first."""

from datetime import UTC, datetime

import pytest

from services.catalog.pack import CatalogPack, read_catalog
from services.catalog.search.documents import Lexicon, names_in, read_document, service_texts
from services.catalog.search.index import Choice, SearchIndex
from tests.conftest import TOBA
from tests.toba.search_quality import Answer, measure, read_questions


@pytest.fixture(scope="module")
def pack() -> CatalogPack:
    """Provide the catalogue of the Toba pack."""
    return read_catalog(TOBA)


@pytest.fixture(scope="module")
def index(pack: CatalogPack) -> SearchIndex:
    """Provide the index of the pack's services."""
    lexicon = Lexicon()
    named = {one.slug: names_in(one.model_dump()) for one in (*pack.agencies, *pack.life_events)}
    documents = [
        read_document(
            service_texts(
                service.model_dump(mode="json"),
                version=1,
                modified_at=datetime(2026, 1, 1, tzinfo=UTC),
                context=[
                    name for key in (service.agency, *service.life_events) for name in named[key]
                ],
            ),
            lexicon,
        )
        for service in sorted(pack.services, key=lambda service: service.slug)
    ]
    return SearchIndex(documents, lexicon)


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
    ("bikin paspor", "paspor"),
    ("perpanjang paspor", "penggantian-paspor"),
    ("paspor saya hilang", "paspor-hilang-rusak"),
    ("bayar pajak motor", "pajak-kendaraan"),
    ("ganti plat motor", "perpanjangan-stnk"),
    ("balik nama motor bekas", "balik-nama-kendaraan"),
    ("perpanjang SIM", "perpanjangan-sim"),
    ("buat SIM C", "sim-baru"),
    ("izin keramaian pesta", "izin-keramaian"),
    ("nikah di KUA", "nikah-kua"),
    ("buku nikah hilang", "duplikat-buku-nikah"),
    ("daftar BPJS Kesehatan", "daftar-jkn-mandiri"),
    ("tunggakan BPJS", "tunggakan-jkn"),
    ("cairkan JHT", "klaim-jht"),
    ("NPWP", "npwp"),
    ("lapor SPT tahunan", "spt-tahunan"),
    ("pasang listrik", "sambungan-listrik"),
    ("mati lampu", "gangguan-listrik"),
    ("santunan kecelakaan", "santunan-kecelakaan"),
    ("SKTM", "sktm"),
    ("surat keterangan usaha", "keterangan-usaha"),
    ("surat ahli waris", "keterangan-ahli-waris"),
    ("surat domisili", "keterangan-domisili"),
    ("damkar", "pemadaman-kebakaran"),
    ("KDRT", "lapor-kekerasan"),
    ("kartu nelayan", "kartu-kusuka"),
    ("panggil ambulans", "ambulans-119"),
    ("ganti nama", "perubahan-nama"),
    ("akta lahir salah", "pembetulan-akta"),
    ("akta kelahiran hilang", "kutipan-akta-kedua"),
    ("sertifikat tanah hilang", "sertipikat-hilang"),
    ("roya", "roya"),
    ("PDAM", "sambungan-air-minum"),
    ("izin praktik bidan", "izin-praktik-tenaga-kesehatan"),
]


@pytest.mark.parametrize(("query", "first"), ASKED)
def test_people_find_first_what_they_mean(index: SearchIndex, query: str, first: str) -> None:
    assert index.search(query, Choice(), limit=1).slugs == [first]


@pytest.mark.parametrize(
    "sentence",
    [
        "{}",
        "saya mau mengurus {} di kantor bupati",
        "bagaimana cara {} untuk orang tua saya",
        "{} syaratnya apa ya min",
    ],
)
def test_a_common_name_finds_its_own_service_first_wherever_it_stands(
    index: SearchIndex, pack: CatalogPack, sentence: str
) -> None:
    assert len(pack.services) >= 140
    wrong: dict[str, list[str]] = {}
    for service in pack.services:
        for name in service.common_names:
            found = index.search(sentence.format(name), Choice(), limit=3).slugs
            if found[:1] != [service.slug]:
                wrong[name] = list(found)
    assert wrong == {}


def test_questions_as_people_ask_them_find_what_they_should(index: SearchIndex) -> None:
    def ask(question: str) -> Answer:
        found = index.search(question, Choice(), limit=20)
        return Answer(
            found=found.slugs,
            leads_to_complaints=found.is_complaint,
            has_suggestion=(found.corrected or found.nearest) is not None,
        )

    quality = measure(ask, read_questions())
    wrong = "\n".join([*quality.lines(), *quality.wrong])
    assert quality.precision_at_1 >= 0.92, wrong
    assert quality.recall_at_5 >= 0.98, wrong
    assert quality.precision_with_one_error >= 0.90, wrong
    assert quality.empty == 0, wrong
    assert quality.changed_empty <= 3, wrong
    assert quality.complaints == quality.complaints_asked, wrong
    assert quality.absent >= quality.absent_asked - 2, wrong
