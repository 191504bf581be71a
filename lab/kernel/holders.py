r"""Who holds a socket, as `ss -p` prints it: processes call themselves anything, and `ss` prints that as it is.

A name has up to 15 bytes, quotation marks and newlines among them, which break rows; only a `)` ends what `ss` reads of
it. Source: iproute2, misc/ss.c, user_ent_hash_build_task(); TASK_COMM_LEN in the kernel's include/linux/sched.h.
"""

from __future__ import annotations

import re
from typing import Final

from lab.foreign import shown

_NUMBERS: Final = r"(?:pid=)?[0-9]{1,10},(?:tid=[0-9]{1,10},)?(?:fd=)?[0-9]{1,10}"
# A name of 15 bytes has no room for what stands between two others, `",pid=1,fd=1),("`: the list has one reading. As
# text of ours (`\xff`) it may be longer, and has no quotation mark.
NAME_OF_OURS: Final = r'(?>\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\[tnr]|[^"\n]){0,15}+'
_NAME: Final = rf"(?:{NAME_OF_OURS}|[\s\S]{{0,15}}?)"
# Behind the end of a name that looks like the end of the list comes the real one.
_BEHIND: Final = r'(?=,\("|\)(?=\s|$|timer:\()(?!\)\s?",(?:pid=)?[0-9]))'
# Once read, a holder is not read in another way: the readings of a list that is cut short would double with each one.
_HOLDER: Final = rf'(?>\("{_NAME}",{_NUMBERS}\){_BEHIND})'
_LIST: Final = re.compile(rf"users:\({_HOLDER}(?:,{_HOLDER})*+\)")
_ONE: Final = re.compile(rf'\("(?P<name>{_NAME})",(?P<numbers>{_NUMBERS})\)(?=,\("|\)(?:\s|$|timer:\())')
_QUOTE: Final = r"\x22"


def plain_holders(text: str) -> str:
    r"""Return what `ss -p` printed with the names of processes as text of ours: each row on one line.

    What is no list of holders stays as it is. Twice does no more than once.

    >>> print(plain_holders('ESTAB users:(("a\nb",pid=7,fd=3),("say \"hi\"",pid=8,fd=3))'))
    ESTAB users:(("a\nb",pid=7,fd=3),("say \x22hi\x22",pid=8,fd=3))
    """
    return _LIST.sub(lambda found: _ONE.sub(_plain, found[0]), text)


def _plain(one: re.Match[str]) -> str:
    name = shown(one["name"]).replace('"', _QUOTE)
    return f'("{name}",{one["numbers"]})'
