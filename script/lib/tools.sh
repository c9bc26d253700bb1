# Tools of the machine, and how they come where they are missing. To be sourced; needs `root`, the repository's folder.

target=${CARGO_TARGET_DIR:-$root/target}
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
