"""What the fields of a figure can be together (pure)."""

from services.gateway.portal.workspace.evidence.fields import Reading, Values
from services.platform.translation import N_

NO_FIGURE = N_("Isi angkanya, kisarannya, sekian dari sekian, atau pernyataan sumbernya.")
TWO_FIGURES = N_("Isi satu saja: angka, kisaran, atau sekian dari sekian.")
NO_UNIT = N_("Satuan: pilih satuan angkanya.")
UNIT_WITHOUT_FIGURE = N_("Satuan: kosongkan bila tidak ada angka.")
HALF_RANGE = N_("Kisaran memerlukan yang paling rendah dan yang paling tinggi, menurut urutannya.")
HALF_QUOTIENT = N_("Isi keduanya: jumlah yang memenuhi, dan dari berapa (lebih dari 0).")
OUTSIDE = N_("Angka dengan satuan ini harus antara 0 dan 1; tulis 51%% atau 0,51.")
NEGATIVE = N_("Jumlah tidak boleh kurang dari 0.")
NOT_NONE = N_("Bila sumber menyatakan tidak ada sama sekali, angkanya 0.")


def check_figure(form: Reading, values: Values) -> None:
    """Refuse figures that are half, doubled, without a unit, or outside what their unit allows."""
    value, low, high = values["value"], values["low"], values["high"]
    over, under = values["numerator"], values["denominator"]
    is_range = low is not None or high is not None
    is_quotient = over is not None or under is not None
    if [bool(form.typed("nilai")), is_range, is_quotient].count(True) > 1:
        form.refuse("nilai", TWO_FIGURES)
    elif is_range:
        if low is None or high is None or low > high:
            form.refuse("terendah", HALF_RANGE)
        else:
            _check_bounds(form, values, low, high, field="terendah")
    elif is_quotient:
        if over is None or under is None or under <= 0 or over < 0:
            form.refuse("pembilang", HALF_QUOTIENT)
        else:
            per = 1 if form.current is None else getattr(form.current, "per", 1)
            values["value"] = over / under * per
            _check_bounds(form, values, values["value"], values["value"], field="pembilang")
    elif value is not None:
        _check_bounds(form, values, value, value, field="nilai")
    elif values["known_absence"]:
        form.refuse("nilai", NOT_NONE)
    elif not values["statement"]:
        form.refuse("nilai", NO_FIGURE)
    elif values["unit"] is not None:
        form.refuse("satuan", UNIT_WITHOUT_FIGURE)


def _check_bounds(form: Reading, values: Values, low: float, high: float, *, field: str) -> None:
    unit = values["unit"]
    if unit is None:
        form.refuse("satuan", NO_UNIT)
    elif unit in {"share", "level"} and not 0 <= low <= high <= 1:
        form.refuse(field, OUTSIDE)
    elif unit == "count" and low < 0:
        form.refuse(field, NEGATIVE)
    elif values["known_absence"] and (low, high) != (0, 0):
        form.refuse(field, NOT_NONE)
