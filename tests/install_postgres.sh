#!/bin/sh
# Sees that Debian's PostgreSQL is there for the tests of the store, where this machine allows it.
# Never fails: without it those tests are skipped, and say so.

if command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    exit 0
fi

skip() {
    echo "No PostgreSQL: the tests of the store on it are skipped. $1"
    exit 0
}
HINT="Install PostgreSQL, so that initdb is on the PATH."
# One try for each .venv: a machine without network is not asked again at every `make test`.
TRIED=.venv/postgres.tried

[ -e "$TRIED" ] && skip "$HINT"
command -v apt-get >/dev/null || skip "$HINT"
if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    skip "$HINT On Debian: sudo apt-get install postgresql"
fi

echo "Installing Debian's PostgreSQL for the tests of the store …"
mkdir -p .venv && : >"$TRIED"
LOG=$(mktemp)
# No server of the system's own is wanted: the tests start theirs.
if $as_root apt-get -q update >"$LOG" 2>&1 </dev/null &&
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends postgresql-common >>"$LOG" 2>&1 </dev/null &&
    $as_root sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' \
        /etc/postgresql-common/createcluster.conf &&
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends postgresql >>"$LOG" 2>&1 </dev/null; then
    rm -f "$LOG"
else
    tail -n 3 "$LOG"
    rm -f "$LOG"
    skip "$HINT"
fi
exit 0
