"""What methods say of their nodes, in Indonesian: they are written in English.

By the English text, so that a method that says something else is quoted as it is.
"""

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    (
        "A share of people: nobody is 0, everybody 1. Only samples that somebody else "
        "drew or asked count; visitors of the web pages know the e-Mall already."
    ): (
        "Bagian dari orang: tidak seorang pun berarti 0, semua orang berarti 1. Hanya "
        "sampel yang diambil atau ditanyai pihak lain yang dihitung; pengunjung halaman "
        "web sudah mengenal e-Mall."
    ),
    (
        "One meeting a quarter is regular contact; more is not a better discovery. Other "
        "kinds of meeting do not count."
    ): (
        "Satu rapat setiap triwulan adalah hubungan yang teratur; lebih dari itu tidak "
        "membuat penemuan lebih baik. Rapat jenis lain tidak dihitung."
    ),
    (
        "Government, private sector and community are the three sectors of the framework;"
        " all of them are 1."
    ): (
        "Pemerintah, swasta, dan komunitas adalah tiga sektor dalam kerangka ini; "
        "ketiganya berarti 1."
    ),
    "A share of those who take part; every role in writing is 1.": (
        "Bagian dari mereka yang berperan serta; setiap peran yang tertulis berarti 1."
    ),
    "A share of meetings; each with its problem stated is 1.": (
        "Bagian dari rapat; setiap rapat dengan rumusan masalah berarti 1."
    ),
    "A share of meetings; a discussion that no minutes show cannot be followed up.": (
        "Bagian dari rapat; diskusi yang tidak tercatat dalam notula tidak dapat ditindaklanjuti."
    ),
    ("Pielou's evenness is 0 if one sector sits alone and 1 if all three are equally many."): (
        "Ukuran kemerataan Pielou bernilai 0 bila hanya satu sektor yang hadir dan 1 bila"
        " ketiganya sama banyak."
    ),
    "A share of those present; everybody having spoken is 1.": (
        "Bagian dari yang hadir; bila semua berbicara, nilainya 1."
    ),
    (
        "Five instruments that the regulations on e-government ask of a regency; each "
        "counts a fifth."
    ): (
        "Lima perangkat aturan yang diminta peraturan SPBE dari sebuah kabupaten; "
        "masing-masing bernilai seperlima."
    ),
    "A share of what was agreed; everything done is 1.": (
        "Bagian dari yang disepakati; bila semua selesai, nilainya 1."
    ),
    (
        "A share of agencies. What an evaluation observed goes before what statistics and"
        " attendance let one infer."
    ): (
        "Bagian dari perangkat daerah. Yang diamati sebuah evaluasi didahulukan daripada "
        "yang disimpulkan dari statistik dan kehadiran."
    ),
    "A share of private bodies and communities; it is not used again in commitment.": (
        "Bagian dari swasta dan komunitas; tidak dipakai lagi dalam unsur komitmen."
    ),
    "A share of duties since they were agreed; keeping one's word every month is 1.": (
        "Bagian dari kewajiban sejak disepakati; bila ditepati setiap bulan, nilainya 1."
    ),
    ("The ends of the scale of agreement, from 1 (strongly disagree) to 4 (strongly agree)."): (
        "Ujung-ujung skala persetujuan, dari 1 (sangat tidak setuju) sampai 4 (sangat setuju)."
    ),
    ("A share of planned programmes; the study reads it as understanding put into practice."): (
        "Bagian dari program yang direncanakan; studi membacanya sebagai pemahaman yang dijalankan."
    ),
    "The ends of the scale of agreement, from 1 to 4.": (
        "Ujung-ujung skala persetujuan, dari 1 sampai 4."
    ),
    (
        "The ends of the scale of agreement, from 1 to 4. Legitimation is internal, so "
        "those inside are asked."
    ): (
        "Ujung-ujung skala persetujuan, dari 1 sampai 4. Legitimasi ini internal, jadi "
        "yang ditanyai adalah mereka yang di dalam."
    ),
    (
        "Seen from outside or not. A second award shows no more than the first; the study"
        " takes one as the sign."
    ): (
        "Terlihat dari luar atau tidak. Penghargaan kedua tidak menunjukkan lebih "
        "daripada yang pertama; studi mengambil satu sebagai tandanya."
    ),
    "The ends of the index by its regulation.": ("Ujung-ujung indeks menurut peraturannya."),
    (
        "Five agreements, about one for each dimension of the smart city beside "
        "governance, are taken for many; the choice is this method's and varied by 20% in"
        " the sensitivity analysis."
    ): (
        "Lima perjanjian, kira-kira satu untuk setiap dimensi kota cerdas di samping tata"
        " kelola, dianggap banyak; pilihan ini dari metode dan divariasikan 20% dalam "
        "analisis kepekaan."
    ),
    (
        "A share of agencies. Question 9 of the evaluation is read under trust and not "
        "counted twice."
    ): (
        "Bagian dari perangkat daerah. Pertanyaan 9 evaluasi dibaca dalam unsur saling "
        "percaya dan tidak dihitung dua kali."
    ),
    "A share of agreements that ended in the year; all renewed is 1.": (
        "Bagian dari perjanjian yang berakhir pada tahun itu; bila semua diperpanjang, nilainya 1."
    ),
    ("Five procedures without which services cannot be run together; each counts a fifth."): (
        "Lima prosedur yang tanpanya layanan tidak dapat dijalankan bersama; "
        "masing-masing bernilai seperlima."
    ),
    "A share of the 14 components that the regulation asks to publish.": (
        "Bagian dari 14 komponen yang menurut peraturan harus dipublikasikan."
    ),
    "A share of the leading posts. That a decree lists a post does not fill it.": (
        "Bagian dari jabatan pimpinan. Jabatan yang disebut dalam keputusan belum tentu terisi."
    ),
    "A share of meetings; led by a leading post each time is 1.": (
        "Bagian dari rapat; bila setiap kali dipimpin jabatan pimpinan, nilainya 1."
    ),
    ("A share of changes of leading posts. A rule in force is worth half before it is tried."): (
        "Bagian dari pergantian jabatan pimpinan. Aturan yang berlaku bernilai setengah "
        "sebelum diuji."
    ),
    "A share of transactions; all made online is 1.": (
        "Bagian dari transaksi; bila semua dilakukan secara daring, nilainya 1."
    ),
    "A share of people, of samples that somebody else drew or asked.": (
        "Bagian dari orang, menurut sampel yang diambil atau ditanyai pihak lain."
    ),
    (
        "A share of what was planned; all of it held is 1. A meeting for outreach or "
        "training counts as one held, at most as many as were planned; without a plan "
        "there is nothing to compare with."
    ): (
        "Bagian dari yang direncanakan; bila semua terlaksana, nilainya 1. Rapat untuk "
        "sosialisasi atau pelatihan dihitung sebagai kegiatan yang terlaksana, paling "
        "banyak sebanyak yang direncanakan; tanpa rencana tidak ada pembandingnya."
    ),
    "A share of agencies; each with a line of its own is 1.": (
        "Bagian dari perangkat daerah; bila masing-masing memiliki anggaran sendiri, nilainya 1."
    ),
    (
        "A share of villages, numerator and denominator in villages. Areas without "
        "coverage are not villages; as each lies within some village, they affect at most"
        " as many villages as they are, so the share is a range from there to 1."
    ): (
        "Bagian dari desa, pembilang dan penyebut dalam desa. Daerah tanpa jangkauan "
        "bukan desa; karena masing-masing terletak di suatu desa, yang terdampak paling "
        "banyak desa sebanyak daerah itu, sehingga bagiannya berupa kisaran dari sana "
        "sampai 1."
    ),
    "A share of the staff who were assigned; all trained is 1.": (
        "Bagian dari petugas yang ditugaskan; bila semua terlatih, nilainya 1."
    ),
    'A share of risks; "none at all", stated by a source, is 0.': (
        "Bagian dari risiko; “sama sekali tidak ada” menurut sebuah sumber berarti 0."
    ),
    (
        "A share of the complaints and questions that the hub itself received and "
        "counted, by their service level."
    ): (
        "Bagian dari aduan dan pertanyaan yang diterima dan dihitung pusat layanan ini "
        "sendiri, menurut tenggat pelayanannya."
    ),
    (
        "The density of the network; every pair tied is 1. Attendance that is not "
        "recorded is unknown, not 0."
    ): (
        "Kepadatan jejaring; bila setiap pasangan terikat, nilainya 1. Kehadiran yang "
        "tidak tercatat berarti tidak diketahui, bukan 0."
    ),
    (
        "A share of the regency's own services; portals of national bodies are not the "
        "regency's to keep."
    ): (
        "Bagian dari layanan milik kabupaten sendiri; portal lembaga nasional bukan "
        "tanggung jawab kabupaten."
    ),
    "A share of those invited; everybody came is 1.": (
        "Bagian dari yang diundang; bila semua datang, nilainya 1."
    ),
    ("As resources.connectivity. The fact stands in both; a driver is no part of the index."): (
        "Sama dengan indikator desa tanpa blankspot pada unsur sumber daya. Faktanya ada "
        "pada keduanya; pendorong bukan bagian indeks."
    ),
    "As resources.budget. The fact stands in both; a driver is no part of the index.": (
        "Sama dengan indikator anggaran pada unsur sumber daya. Faktanya ada pada "
        "keduanya; pendorong bukan bagian indeks."
    ),
    "From the first published value (0) to the target of the regency's plan (1).": (
        "Dari nilai pertama yang terbit (0) sampai target dalam rencana kabupaten (1)."
    ),
    "Neither, one or both of being named and reporting to the head.": (
        "Tidak satu pun, salah satu, atau keduanya: ditetapkan, dan melapor kepada kepala daerah."
    ),
    (
        "Scored as what it does for collaboration: 100 if risks and information are dealt"
        " with together, 0 if they are left. The theory lets uncertainty itself drive "
        "people to cooperate; the study judges it by what is done."
    ): (
        "Dinilai menurut pengaruhnya pada kolaborasi: 100 bila risiko dan informasi "
        "ditangani bersama, 0 bila dibiarkan. Menurut teori, ketidakpastian sendiri dapat"
        " mendorong orang bekerja sama; studi menilainya dari yang dilakukan."
    ),
    (
        "Scored as what it does for collaboration: 100 if stakeholders are tied to each "
        "other and the regency's own services do not fail. The theory lets the failure of"
        " a sector drive others to help; the study counts it against."
    ): (
        "Dinilai menurut pengaruhnya pada kolaborasi: 100 bila para pemangku kepentingan "
        "saling terikat dan layanan milik kabupaten tidak gagal. Menurut teori, kegagalan"
        " satu sektor dapat mendorong yang lain membantu; studi menghitungnya sebagai "
        "hambatan."
    ),
    (
        "Scored as what it does for collaboration: 100 if those invited come, villages "
        "are reached and money is there. The theory lets a crisis drive; the study counts"
        " blank spots and a small budget as hindrances."
    ): (
        "Dinilai menurut pengaruhnya pada kolaborasi: 100 bila yang diundang datang, desa"
        " terjangkau, dan dana tersedia. Menurut teori, krisis dapat mendorong; studi "
        "menghitung blankspot dan anggaran kecil sebagai hambatan."
    ),
    (
        "Scored as what it does for collaboration, 100 if a leader with a mandate brings "
        "the government index to its target."
    ): (
        "Dinilai menurut pengaruhnya pada kolaborasi: 100 bila pemimpin dengan mandat "
        "membawa indeks SPBE ke targetnya."
    ),
}
