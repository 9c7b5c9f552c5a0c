"""What can be wrong with a spreadsheet as a file, with the remedy, by code."""

from collections.abc import Mapping

from services.platform.translation import N_, Message

FILE_ERRORS: Mapping[str, Message] = {
    "nothing": N_("berkas kosong"),
    "too_large": N_("berkas terlalu besar setelah dibuka; kirim lebih sedikit baris"),
    "not_a_workbook": N_("bukan buku kerja XLSX atau ODS; simpan sebagai .xlsx dan kirim lagi"),
    "old_workbook": N_("ini format Excel lama (.xls); simpan sebagai .xlsx dan kirim lagi"),
    "password": N_("berkas ini memakai sandi; simpan tanpa sandi dan kirim lagi"),
    "html": N_(
        "isinya halaman HTML, walaupun namanya seperti berkas Excel; buka dengan Excel atau "
        "LibreOffice, simpan sebagai .xlsx, dan kirim lagi"
    ),
    "xml": N_(
        "isinya XML, walaupun namanya seperti berkas Excel; buka dengan Excel atau LibreOffice, "
        "simpan sebagai .xlsx, dan kirim lagi"
    ),
    "not_a_table": N_("bukan XLSX, ODS, atau CSV; unduh templat dan isi di sana"),
    "not_csv": N_("baris %(line)s tidak dapat dibaca sebagai CSV; simpan sebagai .xlsx"),
    "too_many_rows": N_("lebih dari 20.000 baris terisi; kirim dalam beberapa berkas"),
    "too_many_columns": N_("lebih dari 200 kolom; hapus isi di kanan tabel"),
    "too_many_cells": N_("lebih dari %(limit)s sel terisi; kirim dalam beberapa berkas"),
    "no_value": N_(
        "rumus di sel ini belum dihitung, sehingga angkanya tidak ada di berkas; buka berkas "
        "dengan Excel atau LibreOffice, simpan, dan kirim lagi"
    ),
    "error_value": N_("sel ini berisi kesalahan rumus %(value)s; betulkan atau kosongkan"),
    "merged_number": N_(
        "angka ini ada di sel gabungan %(range)s, sehingga tidak jelas baris mana yang dimaksud; "
        "pisahkan sel dan isi tiap baris"
    ),
    "covered_value": N_(
        "%(value)s tertutup oleh sel gabungan %(range)s; pisahkan sel, lalu hapus atau isi tiap sel"
    ),
    "out_of_order": N_(
        "sel ini ada dua kali atau tidak urut dalam berkas, sehingga isinya bisa hilang; buka "
        "berkas dengan Excel atau LibreOffice, simpan, dan kirim lagi"
    ),
    "more_cells": N_(
        "baris ini punya lebih banyak kolom daripada judulnya; angka dengan koma harus diapit "
        "tanda kutip, atau pakai titik koma sebagai pemisah"
    ),
    "no_heading": N_(
        "%(value)s tidak berada di bawah judul kolom; hapus, atau beri judul kolomnya"
    ),
    "hidden_sheet": N_(
        "lembar ini tersembunyi tetapi berisi data; tampilkan bila ikut dikirim, hapus bila tidak"
    ),
}
