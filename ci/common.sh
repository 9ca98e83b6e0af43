# SPDX-License-Identifier: Apache-2.0
# What the scripts in ci/ share. Sourced by bash.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs the Debian packages that are not there yet.
install_packages() {
	local missing=()
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok' || missing+=("$package")
	done
	[ ${#missing[@]} = 0 ] && return
	say "installing ${missing[*]}"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
		"${missing[@]}" > /tmp/modelbake-apt.log 2>&1 || { tail -20 /tmp/modelbake-apt.log >&2; die "apt-get failed"; }
}

# What it takes to build the static tools.
build_packages=(ca-certificates cmake dpkg-dev gcc libc6-dev libncurses-dev libssl-dev make ninja-build
	zlib1g-dev)

# The static tools into build/release-static/tools.
build_static() {
	docker/static-deps "$root/build/static-deps" || die "docker/static-deps failed"
	cmake --preset release-static > build/cmake-static.log || die "cmake failed"
	cmake --build --preset release-static > build/ninja-static.log || { tail -40 build/ninja-static.log >&2; die "the build failed"; }
}

# A docker client that can build with BuildKit, in $docker. A client from Docker 23 on needs its
# buildx plugin; one before has BuildKit inside.
find_docker() {
	local candidate major
	for candidate in docker /usr/bin/docker; do
		command -v "$candidate" > /dev/null || continue
		major=$("$candidate" --version 2>/dev/null | sed -n 's/^Docker version \([0-9]*\).*/\1/p')
		[ -n "$major" ] || continue
		if [ "$major" -lt 23 ] || "$candidate" buildx version > /dev/null 2>&1; then
			docker=$candidate
			return 0
		fi
	done
	return 1
}

# Whether an engine answers that client.
engine_answers() {
	find_docker && timeout 20 "$docker" info > /dev/null 2>&1
}

# An image to build from and on, in $base: $BAKE_BASE, or Debian's, or, where no registry can be
# reached, the same made here.
find_base() {
	base=${BAKE_BASE-}
	[ -z "$base" ] || return 0
	base=debian:bookworm-slim
	"$docker" image inspect "$base" > /dev/null 2>&1 && return
	timeout 120 "$docker" pull -q "$base" > /dev/null 2>&1 && return
	base=modelbake-base:bookworm
	"$docker" image inspect "$base" > /dev/null 2>&1 && return
	say "no registry answers: making a base image with mmdebstrap"
	make_base_tar
	"$docker" import build/base.tar "$base" > /dev/null
}

make_base_tar() {
	[ -f build/base.tar ] && return
	install_packages mmdebstrap
	mkdir -p build
	as_root mmdebstrap --quiet --variant=minbase bookworm build/base.tar.new
	mv build/base.tar.new build/base.tar
}
