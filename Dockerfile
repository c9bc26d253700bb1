# repo-relay as one static binary in an empty image. The runner starts it as PID 1, as root, without a standard input.
# The base image is named by the digest of its index of architectures; .github/dependabot.yml renews it.
FROM rust:1.95-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082 AS build

# `release` links with fat LTO and takes minutes on a small machine; `thin` is what the tests build.
ARG PROFILE=release

WORKDIR /src

# The dependencies, compiled with empty crates in our place: a layer that lives until Cargo.toml or Cargo.lock changes.
# Targets with a file of their own (benches, examples, tests) are not in the build context and are taken out of the manifest.
COPY script/binary script/
COPY Cargo.toml Cargo.lock ./
COPY crates/names/Cargo.toml crates/names/
COPY crates/diagnosis/Cargo.toml crates/diagnosis/
COPY crates/http/Cargo.toml crates/http/
COPY crates/git/Cargo.toml crates/git/
COPY crates/github/Cargo.toml crates/github/
COPY crates/report/Cargo.toml crates/report/
COPY demo/Cargo.toml demo/
COPY tests/emulator/Cargo.toml tests/emulator/
RUN sed -i '/^\[\[/,/^$/d' Cargo.toml \
    && mkdir src tests/emulator/src && touch tests/emulator/src/lib.rs demo/demo.rs \
    && for crate in crates/*; do mkdir "$crate/src" && echo '//! Empty.' > "$crate/src/lib.rs"; done \
    && echo '//! Empty.' > src/lib.rs && printf '//! Empty.\nfn main() {}\n' > src/main.rs \
    && script/binary "$PROFILE"

COPY src src
COPY crates crates
ARG REVISION=
RUN touch src/main.rs src/lib.rs crates/*/src/lib.rs \
    && binary=$(REPO_RELAY_REVISION="$REVISION" script/binary "$PROFILE") \
    && install -d -m 1777 /image/tmp \
    && install -m 755 "$binary" /image/repo-relay

# The public CA roots are compiled in; /tmp is the only place that the program writes to besides the runner's own files.
FROM scratch
ARG REVISION=
ARG VERSION=
ARG SOURCE=
LABEL org.opencontainers.image.title="repo-relay" \
      org.opencontainers.image.description="Push to another repository, tag it, start its workflows and prove that they started, in one workflow step" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /image/ /
ENTRYPOINT ["/repo-relay"]
