#!/bin/sh
# Prints the path of a Python 3.13 that really runs: from PATH, from pyenv or from uv, in this order.
# Being on PATH is no proof: pyenv leaves a `python3.13` there that fails unless that version is switched on.

accept() {
    [ -n "$1" ] || return 0
    # The base interpreter, since a virtual environment may lack pip and may be gone tomorrow.
    found=$("$1" -c 'import sys; sys.version_info[:2] == (3, 13) and print(sys._base_executable)' 2>/dev/null) || return 0
    [ -z "$found" ] || { printf '%s\n' "$found"; exit 0; }
}

for name in python3.13 python3 python; do
    accept "$(command -v "$name")"
done
for candidate in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*/bin/python3.13; do
    accept "$candidate"
done
for uv in uv "$(dirname "$0")/../../.venvs/uv/bin/uv"; do
    accept "$("$uv" python find --system 3.13 2>/dev/null)"
done

echo "Onggi needs Python 3.13 and found none: install it (for example with 'pyenv install 3.13' or 'uv python install 3.13') and try again." >&2
exit 1
