"""Company names made comparable: what differs between two offices' spellings of one name is taken away.

Full-width letters, spaces, brackets and punctuation, legal form, and the region put before or in brackets after the name.
The legal forms are those of the Company Law and the Partnership Law; the regions are what registries put before a name.
"""

from __future__ import annotations

import re
import unicodedata

LEGAL_FORMS = (
    "有限责任公司", "股份有限公司", "有限公司", "集团公司", "总公司", "分公司", "公司", "普通合伙", "有限合伙", "合伙企业", "个人独资企业",
    "个体工商户", "CO LTD", "COLTD", "LIMITED", "LTD", "INC", "LLC",
)  # fmt: skip
_NOISE = re.compile(r"[\s\W_]+")
_BRACKETED = re.compile(r"[(\[【〔][一-鿿]{2,4}[)\]】〕]")  # (宁波) within a name
_REGION = re.compile(r"^(中国)?([一-鿿]{2,3}?(省|自治区))?([一-鿿]{2,3}?(市|地区|自治州))?([一-鿿]{1,3}?(区(?!域|块)|县|旗))?")
_LEAST = 2  # characters that must be left, or the region was the name


def normalised(name: str | None) -> str:
    """The comparable part of a name; empty when there is none."""
    if not name:
        return ""
    plain = _NOISE.sub("", _BRACKETED.sub("", unicodedata.normalize("NFKC", name))).upper()
    for form in LEGAL_FORMS:
        found = form.replace(" ", "")
        if plain.endswith(found) and len(plain) > len(found):
            plain = plain[: -len(found)]
            break
    rest = _REGION.sub("", plain, count=1)
    return rest if len(rest) >= _LEAST else plain
