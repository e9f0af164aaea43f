#!/bin/sh
# Sees that Debian's chromium is there for the browser tests, where this machine allows it.

if [ -n "$CHROMIUM" ] || command -v chromium >/dev/null; then
    exit 0
fi
WHAT=chromium
WITHOUT="the tests of the page in a browser are skipped."
HINT="Install chromium, or set CHROMIUM to a browser of its kind."
PACKAGE=chromium
. "$(dirname "$0")/install_debian.sh"

install() {
    apt_install chromium
}

try_install
command -v chromium >/dev/null || skip "$HINT"
