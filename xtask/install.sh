#!/usr/bin/env bash
# Installs what the given purpose (run, test, check, bench) needs and this machine lacks. Says nothing when all is there.
#
# Only git and a Rust toolchain manager must be there beforehand: both are choices of the person who owns the machine.
# Everything else comes from Debian's packages, so that nothing is fetched by a tool of our own.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-run}

has() { command -v "$1" >/dev/null 2>&1; }
fail() { printf '%s\n' "$@" >&2; exit 1; }

has git || fail "git is missing: install it (apt-get install git) and run this again"
[ -d "${CARGO_HOME:-$HOME/.cargo}/bin" ] && PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
has cargo || fail "cargo is missing: install Rust by rustup (https://rustup.rs, or apt-get install rustup), then run this again"

packages=()
want() { packages+=("$@"); }

# Services that the tests start themselves, each its own: Debian would start them as it installs them, and at every boot.
services=()

has gcc || want gcc
has g++ || want g++
has make || want make
if has pkg-config; then
    pkg-config --exists openssl || want libssl-dev
    pkg-config --exists libsasl2 || want libsasl2-dev
    pkg-config --exists zlib || want zlib1g-dev
else
    want pkg-config libssl-dev libsasl2-dev zlib1g-dev
fi

if [ "$purpose" != check ]; then
    # Kafka: any Java from 17 on runs it, Maven brings its jars.
    java=0
    has java && java=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${java:-0}" -ge 17 ] || want openjdk-17-jre-headless
    has mvn || want maven
    has curl || want curl ca-certificates
    has setpriv || want util-linux
fi

if [ "$purpose" = test ]; then
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || has initdb || want postgresql
    has chromium || want chromium
    has chromedriver || want chromium-driver
    [ -d /usr/share/fonts/truetype/dejavu ] || want fonts-dejavu
    has mosquitto_pub || want mosquitto-clients
    [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || { want rabbitmq-server; services+=(rabbitmq-server epmd); }
    has strace || want strace
    # The torture partitions links in a network namespace of its own.
    has ip || want iproute2
    has nft || want nftables
    /usr/bin/python3 -c 'import paho.mqtt.client' >/dev/null 2>&1 || want python3 python3-paho-mqtt
    # Python brings the serializers that the schema registry is tested with.
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || want python3 python3-venv
    # npm brings the parser that AsyncAPI documents are tested with.
    has node || want nodejs
    has npm || want npm
fi
if [ "$purpose" = bench ]; then
    # Python brings the NATS server.
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || want python3 python3-venv
fi

if [ "$purpose" = test ] || [ "$purpose" = bench ]; then
    has mosquitto || [ -x /usr/sbin/mosquitto ] || { want mosquitto; services+=(mosquitto); }
fi

# Keeps what is installed from being started by that: while we install, unless the machine has a rule of its own.
policy=/usr/sbin/policy-rc.d
leave_stopped() {
    [ ${#services[@]} -gt 0 ] && [ ! -e "$policy" ] || return 0
    trap '"${sudo[@]}" rm -f "$policy"' EXIT
    printf '%s\n' '#!/bin/sh' 'case "$1" in mosquitto*|rabbitmq-server*|epmd*) exit 101 ;; esac' 'exit 0' |
        "${sudo[@]}" tee "$policy" >/dev/null
    "${sudo[@]}" chmod 755 "$policy"
}

# Keeps it from being started at boot. Whoever had a service before keeps it.
leave_disabled() {
    if [ ${#services[@]} -gt 0 ] && has systemctl; then
        "${sudo[@]}" systemctl --quiet disable "${services[@]/%/.service}" >/dev/null 2>&1 || true
        "${sudo[@]}" systemctl --quiet disable epmd.socket >/dev/null 2>&1 || true
    fi
}

if [ ${#packages[@]} -gt 0 ]; then
    has apt-get || fail "missing: ${packages[*]}" "these are Debian's names; install them with this system's package manager and run this again"
    sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        has sudo || fail "missing: ${packages[*]}" "install them as root (apt-get install ${packages[*]}) and run this again"
        sudo=(sudo)
    fi
    echo "installing ${packages[*]}"
    apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
    "${apt[@]}" update
    leave_stopped
    "${apt[@]}" install --no-install-recommends "${packages[@]}"
    leave_disabled
fi

# The programs that the portal shows to people are run as they would run them: by Python with the packages they name. Tests reach
# nothing but this machine, so the packages come here, in fixed versions, into a folder that has the list's digest in its name.
if [ "$purpose" = test ]; then
    list=xtask/snippets.txt
    digest=$(sha256sum "$list")
    venv=${XDG_CACHE_HOME:-$HOME/.cache}/meshport/snippets-${digest:0:12}
    if [ ! -e "$venv/done" ]; then
        echo "installing $(grep -v '^#' "$list" | tr '\n' ' ')into $venv"
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps -r "$list"
        touch "$venv/done"
    fi
fi

# rust-toolchain.toml names the toolchain; a rustup that may not install by itself is told to.
sysroot=$(rustc --print sysroot 2>/dev/null || true)
if [ ! -d "$sysroot/lib/rustlib/wasm32-unknown-unknown" ] || [ ! -x "$sysroot/bin/cargo-clippy" ] || [ ! -x "$sysroot/bin/rustfmt" ]; then
    channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
    has rustup || fail "the Rust at $sysroot lacks the wasm32-unknown-unknown target, clippy or rustfmt" \
        "install rustup (https://rustup.rs), or these parts of Rust $channel by the way this Rust was installed"
    echo "installing Rust $channel with the wasm target"
    rustup toolchain install "$channel" --no-self-update --profile minimal \
        --component rustfmt --component clippy --target wasm32-unknown-unknown
fi

# The same for programs in Rust: the crates that they name are fetched, in the versions of their lock file.
if [ "$purpose" = test ]; then
    crates=$(mktemp -d)
    cp xtask/snippets/Cargo.toml xtask/snippets/Cargo.lock "$crates"
    mkdir "$crates/src" && : > "$crates/src/lib.rs"
    if ! cargo fetch --quiet --locked --offline --manifest-path "$crates/Cargo.toml" 2>/dev/null; then
        echo "fetching the crates of xtask/snippets"
        cargo fetch --locked --manifest-path "$crates/Cargo.toml"
    fi
    rm -rf "$crates"
fi
