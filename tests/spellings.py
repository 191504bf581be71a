"""How people spell a language, and which one of the lab's that is: for `lab` and for make's scripts alike."""

from __future__ import annotations

from typing import Final

SPELLINGS: Final = {
    "zh": "zh-CN", "ZH": "zh-CN", "zh-CN": "zh-CN", "zh_CN": "zh-CN", "zh_cn": "zh-CN", "zh_CN.UTF-8": "zh-CN",
    "zh_CN.GB18030": "zh-CN", "zh-Hans": "zh-CN", "zh-Hans-CN": "zh-CN", "zh_TW": "zh-CN", "zh_TW.UTF-8": "zh-CN",
    "zh_HK.UTF-8@hant": "zh-CN", "zh.UTF-8": "zh-CN",
    "en": "en", "EN": "en", "en_US": "en", "en_US.UTF-8": "en", "en-GB": "en", "En_gb.utf8": "en", "en_IE@euro": "en",
    "C": "en", "c": "en", "C.UTF-8": "en", "C.utf8": "en", "POSIX": "en", "posix": "en",
}  # fmt: skip
UNKNOWN: Final = (
    "tlh",
    "de_DE.UTF-8",
    "english",
    "zhongwen",
    "中文",
    "en:zh",
    " en",
    "-",
    ".UTF-8",
    "CN",
    "x;y",
    "%s",
    "en zh",
)
