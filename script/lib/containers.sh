# podman and buildah with everything they keep under target/containers, and the image that the Dockerfile begins with.
# To be sourced, after tools.sh.

containers=$target/containers

# Makes the container engine ready for this shell and its children; 1, with the reason in `missing`, when it cannot be had.
use_containers() {
    need_apt podman podman buildah runc && need_apt buildah buildah && need_apt runc runc || return 1
    mkdir -p "$containers/tmp"
    # crun and the default limits fail on machines that are containers or small virtual machines themselves; the host's
    # network is what lets an image under test reach an emulator on loopback.
    cat >"$containers/containers.conf" <<-EOF
	[containers]
	default_ulimits = []
	netns = "host"
	[engine]
	runtime = "runc"
	events_logger = "none"
	tmp_dir = "$containers/run/libpod"
	EOF
    cat >"$containers/storage.conf" <<-EOF
	[storage]
	driver = "overlay"
	graphroot = "$containers/storage"
	runroot = "$containers/run"
	EOF
    export CONTAINERS_CONF=$containers/containers.conf CONTAINERS_STORAGE_CONF=$containers/storage.conf
    export TMPDIR=$containers/tmp BUILDAH_ISOLATION=chroot
    podman info >/dev/null 2>"$containers/podman.log" && return 0
    # The engine's data base holds absolute paths: it is of no use once the repository was moved or copied.
    rm -rf "$containers/storage" "$containers/run"
    podman info >/dev/null 2>"$containers/podman.log" && return 0
    missing="podman does not run here: $(tail -n 1 "$containers/podman.log")"
    return 1
}

# The image that the Dockerfile builds on, NAME:TAG@DIGEST as it stands there.
base_image() {
    sed -n 's/^FROM \(.*\) AS build$/\1/p' "$root/Dockerfile"
}

# Sees to it that the image the Dockerfile builds on is here: from the registry, or, where none answers, made of Debian's
# packages, with the machine's own Rust toolchain mounted into the build. Such an image has no digest of the registry:
# `dockerfile` then is one that names it by its tag.
use_base_image() {
    local name tag log=$containers/base.log
    name=$(base_image)
    tag=docker.io/library/${name%@*}
    dockerfile=$root/Dockerfile
    if podman image exists "docker.io/library/$name"; then return 0; fi
    if ! podman image exists "$tag"; then
        echo "pulling $name"
        timeout 600 podman pull --quiet "docker.io/library/$name" >"$log" 2>&1 && return 0
        make_base_image "$tag" "$log" || return 1
    fi
    dockerfile=$containers/Dockerfile
    sed 's/^\(FROM [^@]*\)@[^ ]* AS build$/\1 AS build/' "$root/Dockerfile" >"$dockerfile"
}

# make_base_image TAG LOG: of Debian's packages.
make_base_image() {
    local tag=$1 log=$2
    echo "no registry answers; making $tag with debootstrap"
    need_apt debootstrap debootstrap || return 1
    local rootfs=$containers/rootfs
    rm -rf "$rootfs"
    as_root debootstrap --variant=minbase --include=gcc,libc6-dev,make,ca-certificates \
        "${tag##*-}" "$rootfs" >"$log" 2>&1 || {
        missing="no registry answers and debootstrap failed, see $log"
        return 1
    }
    # The machine's own roots, for a registry of crates behind a proxy.
    cp -a /usr/local/share/ca-certificates "$rootfs/usr/local/share/" 2>/dev/null
    as_root chroot "$rootfs" update-ca-certificates >>"$log" 2>&1
    as_root tar -C "$rootfs" -c . | podman import --quiet --change 'LABEL base=debootstrap' \
        --change 'ENV PATH=/toolchain/bin:/usr/bin:/bin' --change 'ENV CARGO_HOME=/usr/local/cargo' - "$tag" >>"$log" 2>&1 || {
        missing="podman could not import the base image, see $log"
        return 1
    }
    rm -rf "$rootfs"
}

# The options of a build for this machine, one a line: the crates that are here already, and the toolchain where the base
# image has none.
build_options() {
    local registry=${CARGO_HOME:-$HOME/.cargo}/registry
    printf -- '--volume\n%s:/usr/local/cargo/registry:O\n' "$registry"
    if [ "$dockerfile" != "$root/Dockerfile" ]; then
        printf -- '--volume\n%s:/toolchain:ro\n' "$(rustc --print sysroot)"
    fi
}
