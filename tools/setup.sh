#!/usr/bin/env bash
# Sets Assay up in the folder given (default .venv): checks Python and Java, installs the locked requirements, fetches two jars.
set -euo pipefail
cd "$(dirname "$0")/.."
venv="${1:-.venv}"

say() { printf 'setup: %s\n' "$*"; }
stop() { printf 'setup: %s\n' "$@" >&2; exit 2; }

python=""
for candidate in "${PYTHON:-}" python3.11 python3 python; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; then python="$candidate"; break; fi
done
[ -n "$python" ] || stop "Python 3.11 was not found." \
    "Remedy: install it (Debian: apt-get install python3.11 python3.11-venv; or pyenv install 3.11), or name one: make setup PYTHON=/path/to/python3.11"

java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
version="$("$java" -version 2>&1 | awk -F'"' '/version/ {print $2; exit}' || true)"
major="${version%%.*}"
[[ "$major" =~ ^[0-9]+$ && "$major" -ge 17 ]] || stop "Java 17 or newer was not found (found: ${version:-none})." \
    "Remedy: install it (Debian: apt-get install openjdk-17-jre-headless) and put it on PATH or in JAVA_HOME"

say "Python $("$python" -V 2>&1 | cut -d' ' -f2), Java $version"
if [ ! -x "$venv/bin/python" ]; then
    "$python" -m venv "$venv" || stop "the virtual environment could not be created." "Remedy: install the venv module (Debian: apt-get install python3.11-venv)"
fi
say "installing the locked requirements (hashes checked; about 2 GB on disk)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.txt
VIRTUAL_ENV="$PWD/$venv" "$venv/bin/uv" pip sync --quiet --compile-bytecode --require-hashes requirements.txt
VIRTUAL_ENV="$PWD/$venv" "$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation -e .
say "fetching Delta's jars (once)"
"$venv/bin/python" -m jobs.lake.session >/tmp/assay-jars.$$ 2>&1 || { cat /tmp/assay-jars.$$ >&2; stop "Delta's jars could not be fetched." "Remedy: check the network or a mirror's settings, then run make setup again"; }
rm -f /tmp/assay-jars.$$
say "done"
