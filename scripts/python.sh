# Finds a Python that can make an environment; names, and as root installs, what it lacks.
#
# Read by scripts that have `say`, `fail` and `has`. `find_python` leaves its answer in $python and
# in $way: how an environment is made with it. PYTHON, if set, is the only candidate. `pip` is that
# of the environment.
# shellcheck shell=sh disable=SC2034

oldest="3.11"
venv_python=.venv/bin/python

is_root() { [ "$(id -u)" -eq 0 ]; }


# ── Finding a Python ─────────────────────────────────────────────────────────────────────────

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Prints which of the modules that we cannot do without are missing. Debian's Python lacks
# ensurepip, and the wheels it unpacks, until python3-venv is installed; one built by hand may
# lack ssl or sqlite3.
missing_modules() {
    "$1" - <<'PROBE' 2>/dev/null
import importlib
missing = []
for name in "ssl", "sqlite3", "venv", "ensurepip":
    try:
        module = importlib.import_module(name)
        if name == "ensurepip":
            module.version()
    except Exception:
        missing.append(name)
print(*missing)
PROBE
}

has_all_modules() { [ -z "$(missing_modules "$1")" ]; }

has_other_way() { [ -n "$(other_way "$1")" ]; }

# Three ways to an environment without ensurepip, none of which needs root.
other_way() {
    case $(missing_modules "$1") in *ssl* | *sqlite3*) return ;; esac
    if virtualenv --version >/dev/null 2>&1; then
        echo virtualenv
    elif "$1" -c 'import virtualenv' >/dev/null 2>&1; then
        echo virtualenv-module
    elif "$1" -c 'import venv' >/dev/null 2>&1 &&
        "$1" -m pip --python "$1" --version >/dev/null 2>&1; then
        echo outer-pip # pip can install into another environment since 22.3
    fi
}

# Prints the first candidate that satisfies the test. A name may stand on PATH and still not run
# (a version manager's shim), so each is tried, not only looked up.
first_python() {
    test=$1
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3.13 python3.12 python3.11 python3 /usr/bin/python3
    fi
    for candidate in "$@"; do
        candidate=$(command -v "$candidate") || continue
        if is_new_enough "$candidate" && "$test" "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

find_python() {
    way=venv
    python=$(first_python has_all_modules)
    [ -z "$python" ] || return 0
    install_if_root
    [ -z "$python" ] || return 0
    python=$(first_python has_other_way)
    [ -n "$python" ] || stop_for_prerequisite
    way=$(other_way "$python")
}


# ── Filling an environment ───────────────────────────────────────────────────────────────────

# An environment without a pip of its own is filled by the pip of the Python it was made with.
pip() {
    if "$venv_python" -c 'import pip' 2>/dev/null; then
        "$venv_python" -m pip "$@"
    else
        outer=$("$venv_python" -c 'import sys; print(sys._base_executable)')
        "$outer" -m pip --python "$venv_python" "$@"
    fi
}


# ── Missing prerequisites ────────────────────────────────────────────────────────────────────

# The packages that are missing: those of Debian's own Python if it is there and new enough,
# else of the newest on offer.
missing_packages() {
    if [ -n "$(first_python is_debians)" ]; then
        venv_package "$(first_python is_debians)"
        return
    fi
    for name in python3 python3.13 python3.12 python3.11; do
        if is_at_least_oldest "$(offered_by_apt "$name")"; then
            echo "$name $name-venv"
            return
        fi
    done
    echo "python3 python3-venv"
}

is_debians() {
    case $1 in /usr/bin/* | /bin/*) ;; *) return 1 ;; esac
}

venv_package() {
    version=$(version_of "$1")
    if [ "$version" = "$(version_of /usr/bin/python3)" ]; then
        echo python3-venv
    else
        echo "python$version-venv"
    fi
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

offered_by_apt() {
    apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9][0-9.]*\).*/\1/p'
}

is_at_least_oldest() {
    [ "$(printf '%s\n' "$1" "$oldest" | sort -t. -k1,1n -k2,2n | head -n 1)" = "$oldest" ]
}

install_line() {
    if has apt-get; then
        line="apt-get install -y $(missing_packages)"
    elif has dnf; then
        line="dnf install -y python3"
    elif has apk; then
        line="apk add python3"
    elif has pacman; then
        line="pacman -S --noconfirm python"
    elif has brew; then
        echo "brew install python"
        return
    else
        echo "(your system's own way to Python $oldest or newer, with venv and ensurepip)"
        return
    fi
    if is_root; then
        echo "$line"
    elif has sudo; then
        echo "sudo $line"
    else
        echo "$line    (as root)"
    fi
}

install_if_root() {
    if ! is_root || ! has apt-get; then return 0; fi
    # An interpreter named by hand may be one that no Debian package completes.
    if [ -n "${PYTHON:-}" ] && [ -z "$(first_python is_debians)" ]; then return 0; fi
    packages=$(missing_packages)
    say "Missing: $packages. Installing with: apt-get install -y $packages"
    # shellcheck disable=SC2086  # one word per package
    apt_install $packages 2>/dev/null || after_update
    python=$(first_python has_all_modules)
}

# The lists of a fresh machine are empty or old: then, and only then, they are fetched.
after_update() {
    say "apt-get does not know them yet: fetching its lists with: apt-get update"
    # shellcheck disable=SC2046  # one word per package
    if ! apt-get update -qq || ! apt_install $(missing_packages); then
        say "apt-get could not install them: its reason stands above."
    fi
}

# 9 is the lock: a service that apt-get starts must not inherit it.
apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o DPkg::Lock::Timeout=120 "$@" 9<&- >/dev/null
}

stop_for_prerequisite() {
    [ -z "${PYTHON:-}" ] || stop_for_named_python
    found=$(first_python true)
    [ -n "$found" ] ||
        fail "no Python $oldest or newer was found. Install one with this line:" "$(install_line)"
    fail "$found lacks $(missing_modules "$found"). Install what is missing with this line:" \
        "$(install_line)"
}

stop_for_named_python() {
    has "$PYTHON" || fail "PYTHON=$PYTHON: there is no such command." \
        "Name another, or none: then the best Python on PATH is taken."
    "$PYTHON" -c '' 2>/dev/null || fail "PYTHON=$PYTHON does not run."
    is_new_enough "$PYTHON" ||
        fail "PYTHON=$PYTHON is $("$PYTHON" --version 2>&1); offload needs $oldest or newer."
}
