# Shared by the scripts beside it: steps with their time, servers that end with the script, and
# what a fresh machine lacks. Sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
# Python and npm packages of the judges live here; `cargo clean` removes them too.
judges=$target/judges
step_name=start
step_count=0
server=

# step NAME COMMAND...: runs the command under a header. The script ends at the first that fails.
step() {
    step_name=$1
    shift
    step_count=$((step_count + 1))
    printf '\n==> %s\n' "$step_name"
    local began=$SECONDS
    "$@"
    printf -- '--- %s: %ds\n' "$step_name" $((SECONDS - began))
}

finish() {
    local status=$?
    trap - EXIT
    set +e
    if [ -n "$server" ]; then
        kill -KILL "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    fi
    if [ "$status" -ne 0 ]; then
        printf '\nFAILED in step "%s" after %ds (exit status %d)\n' "$step_name" "$SECONDS" "$status" >&2
    fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# serve BINARY LOG: starts a server on a free port, one at a time; sets `port`, `base` and `server`
# (its pid).
serve() {
    port=$(free_port)
    base=http://127.0.0.1:$port
    HOST=127.0.0.1 PORT=$port "$1" >"$2" 2>&1 &
    server=$!
    local tries
    for tries in $(seq 200); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            return
        fi
        if ! kill -0 "$server" 2>/dev/null; then
            break
        fi
        sleep 0.05
    done
    echo "$1 does not answer on port $port:" >&2
    tail -n 40 "$2" >&2
    return 1
}

# drain LOG: asks the server to stop; it must end by itself, with success, within ten seconds.
drain() {
    kill -TERM "$server"
    local tries status=0
    for tries in $(seq 200); do
        kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    if kill -0 "$server" 2>/dev/null; then
        echo "the server still runs ten seconds after SIGTERM:" >&2
        kill -KILL "$server"
        status=1
    else
        wait "$server" || status=$?
    fi
    server=
    if [ "$status" -ne 0 ]; then
        echo "the server ended with status $status after SIGTERM; it said:" >&2
        tail -n 40 "$1" >&2
        return 1
    fi
}

# need COMMAND PACKAGE...: installs Debian packages if the command is missing.
need() {
    local command=$1
    shift
    if command -v "$command" >/dev/null; then
        return
    fi
    if ! command -v apt-get >/dev/null; then
        echo "\`$command\` is missing; install it (Debian: $*)" >&2
        return 1
    fi
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo -n)
    fi
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# The Rust toolchain comes from rustup; only its components are added here.
need_rust() {
    if ! command -v cargo >/dev/null; then
        echo "cargo is missing: install Rust from https://rustup.rs" >&2
        return 1
    fi
    cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
    cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
    need cc gcc libc6-dev
}

# The programs of the database servers that tests start for themselves. If installing the packages starts a service
# of the machine, no test uses it. Debian keeps PostgreSQL's programs out of PATH, and MariaDB's in a directory that
# only root has there.
need_databases() {
    if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
        need initdb postgresql
    fi
    PATH=$PATH:/usr/sbin need mariadbd mariadb-server
}

# with_postgres COMMAND...: runs the command with TEST_DATABASE_URL naming a PostgreSQL server that ends with it.
with_postgres() {
    local bin data port as=()
    bin=$(dirname "$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1)")
    data=$(mktemp -d)
    port=$(free_port)
    # PostgreSQL refuses to run as root.
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres "$data"
        as=(setpriv --reuid postgres --regid postgres --clear-groups --)
    fi
    (cd "$data" && "${as[@]}" "$bin/initdb" -D "$data/data" -A trust -U photon --no-sync) >"$target/postgres.log"
    (cd "$data" && "${as[@]}" "$bin/postgres" -D "$data/data" -p "$port" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories= -c fsync=off) >>"$target/postgres.log" 2>&1 &
    server=$!
    local tries status=0
    for tries in $(seq 200); do
        "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" && break
        sleep 0.05
    done
    TEST_DATABASE_URL=postgres://photon@127.0.0.1:$port/postgres "$@" || status=$?
    kill -INT "$server"
    wait "$server" || true
    server=
    rm -rf "$data"
    return "$status"
}

# stale STAMP FILE: whether FILE is newer in content than what STAMP remembers.
stale() {
    ! cmp -s "$1" "$2"
}

# need_python VENV FILE: a virtual environment with the packages that FILE pins.
need_python() {
    need python3 python3 python3-venv
    python3 -c 'import ensurepip' 2>/dev/null || need ensurepip python3-venv
    local venv=$1 pinned=$2
    if stale "$venv/.installed" "$pinned"; then
        python3 -m venv --clear "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$pinned"
        cp "$pinned" "$venv/.installed"
    fi
}

# The judges' packages, at the versions that scripts/judges pins.
need_judges() {
    need npm nodejs npm
    need chromium chromium
    if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'; then
        echo "node $(node --version) is too old for the judges: install 20.19 or newer" >&2
        return 1
    fi
    need_python "$judges/python" scripts/judges/requirements.txt
    mkdir -p "$judges/node"
    local pinned=scripts/judges/package-lock.json
    if stale "$judges/node/.installed" "$pinned"; then
        cp scripts/judges/package.json "$pinned" "$judges/node/"
        npm ci --prefix "$judges/node" --silent --no-audit --no-fund --ignore-scripts
        cp "$pinned" "$judges/node/.installed"
    fi
}
