#!/bin/sh
# Sees that Debian's PostgreSQL is there for the tests of the store, where this machine allows it.

if command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    exit 0
fi
WHAT=PostgreSQL
WITHOUT="the tests of the store on it are skipped."
HINT="Install PostgreSQL, so that initdb is on the PATH."
PACKAGE=postgresql
. "$(dirname "$0")/install_debian.sh"

install() {
    # No server of the system's own is wanted: the tests start theirs.
    apt_install postgresql-common &&
        $as_root sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' \
            /etc/postgresql-common/createcluster.conf &&
        apt_install postgresql
}

try_install
