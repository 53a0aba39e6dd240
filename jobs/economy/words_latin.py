"""Names and addresses of a country that writes Latin letters, from syllables, and what its forms say for the words of ours. Nobody real is meant."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.firms import Firms
from jobs.economy.sites import Sites
from jobs.economy.stems import MARKED, stems
from jobs.economy.words_zh import joined, letters, trade
from jobs.economy.world import World
from jobs.lake.arrays import Ints

_PARTS = (
    "val", "do", "ro", "mon", "te", "sel", "va", "no", "li", "ra", "bel", "fio", "cas", "ta", "gra", "ve", "lu", "mi", "san", "per", "to", "rin", "al", "ba",
    "ne", "co", "fer", "ma", "so", "le", "pi", "na", "tor", "re", "gal", "vo", "cam", "po", "ste", "lo", "mar", "ci", "ven", "tu", "or", "sa", "fon", "de",
    "bri", "go", "cer", "ni", "pra", "ti", "gio", "lan", "ser", "ri", "zan", "be",
)  # fmt: skip
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_GIVEN = ("Ada", "Bruno", "Carla", "Dario", "Elena", "Fabio", "Gemma", "Ivo", "Lia", "Marco", "Nadia", "Omero", "Paola", "Remo", "Silvia", "Tullio", "Ugo", "Vera", "Zeno", "Rita", "Nicolò", "Cosetta", "Loredana", "Amedeo")
_ENDINGS = ("ini", "etti", "oni", "ella", "ato", "ucci", "ari", "esi", "ò", "alà")
_ROADS = ("Via della Fonte", "Via Nuova", "Corso del Porto", "Via dei Mulini", "Piazza Grande", "Viale della Repubblica", "Via San Sereno", "Via dell'Officina", "Via Lungofiume", "Contrada Alta")
_CENTRES = ("Centro Direzionale", "Palazzo", "Torre", "Polo")
_FORMS = ("S.r.l.", "S.n.c.", "S.p.A.")
_CITIES = ("Portalba", "Montefosco", "Rivachiara", "Castelvero")
_REGIONS = np.array([461001, 462001, 463001, 464001])

SAID = {
    "企业": "società", "个体工商户": "ditta individuale", "大型": "grande", "中型": "media", "小型": "piccola", "个体": "individuale", "民营": "privata", "国有": "pubblica", "外资": "estera",
    "集体": "cooperativa", "一般纳税人": "ordinario", "小规模纳税人": "forfettario", "存续": "attiva", "经营异常": "irreperibile", "注销": "cessata", "法人": "società", "自然人": "persona",
    "法定代表人": "legale rappresentante", "财务负责人": "responsabile amministrativo", "经营者": "titolare", "专用": "ordinaria", "普通": "semplificata", "红字": "nota di credito",
    "个人": "privato", "材料": "materiali", "咨询服务": "consulenza", "服装": "abbigliamento", "家用电器": "elettrodomestici", "家具": "mobili", "餐饮服务": "ristorazione",
    "乘用车配件": "ricambi auto", "珠宝首饰": "gioielli", "增值税": "IVA", "企业所得税": "IRES", "个人所得税": "IRPEF", "社会保险费": "contributi", "印花税": "bollo", "房产税": "IMU",
    "土地增值税": "plusvalenze", "税款": "imposta", "滞纳金": "interessi", "是": "sì", "否": "no", "出口": "esportazione", "进口": "importazione", "单位": "società",
}  # fmt: skip
"""What stands in a cell of ours, and what stands there in this country. Headers stay as they are."""


def _pick(texts: tuple[str, ...], index: Ints) -> pa.Array:
    return pa.array(texts).take(pa.array(index))


def _where(mask: np.ndarray, text: pa.Array | str) -> pa.Array:
    return pc.if_else(pa.array(mask), text, "")


def company_names(world: World, f: Firms) -> pa.Array:
    """Stem, trade and legal form in the orders in use; individuals as a firm of their own."""
    s = stems(world, f, len(_PARTS))
    syllables = [_where(s.length > n, _pick(_PARTS, s.parts[:, n])) for n in range(4)]
    marked = s.length == MARKED
    plain = pc.utf8_capitalize(joined(*syllables))
    name = joined(_where(marked, letters(_ALPHABET, s.capitals // 26)), _where(marked, letters(_ALPHABET, s.capitals % 26)), _where(marked, "-"), plain, _where(s.linked, " Gruppo"))
    kind, swapped = trade(world, f, s.word), world.chance.uniform("name style", f.number) < 0.35
    first, second = pc.if_else(pa.array(swapped), kind, name), pc.if_else(pa.array(swapped), name, kind)
    form = _pick(_FORMS, world.chance.pick([0.72, 0.22, 0.06], "form", f.number))
    return joined(_where(f.individual, "Ditta "), first, " ", second, _where(~f.individual, " "), _where(~f.individual, form))


def outside_names(world: World, number: Ints) -> tuple[Ints, pa.Array]:
    """Regions and names of parties from elsewhere."""
    syllables = [_pick(_PARTS, world.chance.whole(0, len(_PARTS), f"outside {n}", number)) for n in range(3)]
    word = _pick(("Forniture", "Commercio", "Industrie", "Servizi"), number // 4 % 4)
    return _REGIONS[number % 4], joined(pc.utf8_capitalize(joined(*syllables)), " ", word, " ", _pick(_CITIES, number % 4), " S.r.l.")


def agent_names(world: World, agent: Ints) -> pa.Array:
    """Names of those who keep the books of others."""
    syllables = [_pick(_PARTS, agent // len(_PARTS) ** n % len(_PARTS)) for n in range(3)]
    return joined("Studio ", pc.utf8_capitalize(joined(*syllables)), " & Associati")


def person_names(world: World, family: Ints, person: Ints) -> pa.Array:
    """Given name by person, surname by family."""
    c = world.chance
    surname = joined(*(_pick(_PARTS, c.whole(0, len(_PARTS), f"surname {n}", family)) for n in range(2)), _pick(_ENDINGS, c.whole(0, len(_ENDINGS), "ending", family)))
    return joined(_pick(_GIVEN, c.whole(0, len(_GIVEN), "given", person)), " ", pc.utf8_capitalize(surname))


def addresses(world: World, s: Sites) -> pa.Array:
    """Road, house, building and room, code and district."""
    places = world.country.place.districts
    at = np.searchsorted(world.country.regions, s.region)
    code = pa.array([str(d.code)[-5:] for d in places]).take(pa.array(at))
    house, room, number = (pc.cast(pa.array(n), pa.string()) for n in (s.house, s.room, s.building))
    inside = joined(", ", _pick(_CENTRES, s.building % len(_CENTRES)), " ", number, " int. ", room)
    return joined(_pick(_ROADS, s.road % len(_ROADS)), " ", house, _where(s.building >= 0, inside), ", ", code, " ", pa.array([d.word for d in places]).take(pa.array(at)))


def misspellings(world: World, right: pa.Array) -> tuple[pa.Array, ...]:
    """Names by the ways of spelling.py: (no city to leave out), form left out, misheard, mistyped, words exchanged, in capitals without points."""
    short = pc.replace_substring_regex(right, r" (S\.r\.l\.|S\.n\.c\.|S\.p\.A\.)$|^Ditta ", "")
    heard = right
    for said, written in (("tt", "t"), ("ve", "be"), ("ci", "ce"), ("gio", "jo"), ("zan", "san"), ("mo", "mu")):
        heard = pc.replace_substring(heard, said, written)
    typed = pc.replace_substring_regex(right, r"^(.)(.)(.)(.)", r"\1\2\4\3")
    moved = pc.replace_substring_regex(right, r"^(\S+) (.+?)( S\.\S+)?$", r"\2 \1\3")
    return right, short, heard, typed, moved, pc.utf8_upper(pc.replace_substring(right, ".", ""))
