#!/bin/sh
# Makes .venv with what requirements.lock names. Does nothing when it is up to date. Works as root and as any other
# user, on a Debian that has Python but neither pip nor venv.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$1"; exit 1; }

python=
for name in python3.13 python3.12 python3.11 python3; do
    if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$name
        break
    fi
done
[ -n "$python" ] || die "Python 3.11 or newer is needed: apt-get install python3"

wanted=$(cat requirements.lock pyproject.toml | sha256sum | cut -d' ' -f1)
[ "$(cat .venv/setup-done 2>/dev/null || true)" = "$wanted" ] && exit 0

# Debian keeps pip's wheel in a package of its own; any user may download that and unpack it into a folder.
pip_from_debian() {
    folder=$(mktemp -d)
    mkdir -p "$folder/lists/partial" "$folder/archives/partial"
    options="-o Dir::State::lists=$folder/lists -o Dir::Cache=$folder -o Debug::NoLocking=1 -o APT::Sandbox::User="
    # shellcheck disable=SC2086  # several options in one text
    (cd "$folder" && apt-get $options update -qq && apt-get $options download -qq python3-pip-whl) >&2 || return 1
    dpkg -x "$folder"/python3-pip-whl_*.deb "$folder/root"
    wheel=$(find "$folder/root" -name 'pip-*.whl')
    .venv/bin/python "$wheel/pip" install --quiet --no-index "$wheel"
    rm -rf "$folder"
}

say "making .venv with $($python --version); the first time takes a minute or two"
rm -f .venv/setup-done
if ! "$python" -m venv .venv >/dev/null 2>&1; then
    rm -rf .venv
    "$python" -m venv --without-pip .venv || die "this Python cannot make virtual environments: apt-get install python3-venv"
    pip_from_debian || die "pip is missing and could not be fetched: apt-get install python3-venv"
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
printf '%s' "$wanted" > .venv/setup-done
say "done"
