#!/bin/sh
# Sees that Debian's chromium is there for the browser tests, where this machine allows it.
# Never fails: without a browser those tests are skipped, and say so.

if [ -n "$CHROMIUM" ] || command -v chromium >/dev/null; then
    exit 0
fi

skip() {
    echo "No chromium: the tests of the page in a browser are skipped. $1"
    exit 0
}
HINT="Install chromium, or set CHROMIUM to a browser of its kind."
# One try for each .venv: a machine without network is not asked again at every `make test`.
TRIED=.venv/chromium.tried

[ -e "$TRIED" ] && skip "$HINT"
command -v apt-get >/dev/null || skip "$HINT"
if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    skip "$HINT On Debian: sudo apt-get install chromium"
fi

echo "Installing Debian's chromium for the browser tests …"
mkdir -p .venv && : >"$TRIED"
LOG=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if $as_root apt-get -q update >"$LOG" 2>&1 </dev/null &&
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends chromium >>"$LOG" 2>&1 </dev/null; then
    rm -f "$LOG"
    command -v chromium >/dev/null || skip "$HINT"
else
    tail -n 3 "$LOG"
    rm -f "$LOG"
    skip "$HINT"
fi
exit 0
