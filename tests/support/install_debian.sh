# Installs packages of Debian's for tests, where this machine allows it; sourced, never run.
# Never fails: without them the tests that need them are skipped, and say so. The script that
# sources this sets WHAT, WITHOUT, HINT and PACKAGE, defines `install` with `apt_install` in it,
# and then calls `try_install`.

skip() {
    echo "No $WHAT: $WITHOUT $1"
    exit 0
}

apt_install() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends "$1" >>"$LOG" 2>&1 </dev/null
}

try_install() {
    # One try for each .venv: a machine without network is not asked again at every `make test`.
    tried=.venv/$PACKAGE.tried
    [ -e "$tried" ] && skip "$HINT"
    command -v apt-get >/dev/null || skip "$HINT"
    if [ "$(id -u)" -eq 0 ]; then
        as_root=""
    elif sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        skip "$HINT On Debian: sudo apt-get install $PACKAGE"
    fi
    echo "Installing Debian's $PACKAGE for the tests …"
    mkdir -p .venv && : >"$tried"
    LOG=$(mktemp)
    if $as_root apt-get -q update >"$LOG" 2>&1 </dev/null && install; then
        rm -f "$LOG"
    else
        tail -n 3 "$LOG"
        rm -f "$LOG"
        skip "$HINT"
    fi
}
