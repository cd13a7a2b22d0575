# SPDX-License-Identifier: GPL-2.0-or-later
# What the scripts share: the packages butterfuse needs, installing them, and building. Source it, do not run it.
# shellcheck shell=bash

# What the packages install is found first: python3 by way of a version manager takes seconds to start.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build_packages=(build-essential cmake ninja-build pkg-config libfuse3-dev libzstd-dev zlib1g-dev liblzo2-dev
  libdeflate-dev libisal-dev libxxhash-dev libb2-dev libssl-dev libexpected-dev libfmt-dev libspdlog-dev libcli11-dev
  libblkid-dev catch2 clang-16 libclang-rt-16-dev
  nlohmann-json3-dev libseccomp-dev clang-format-14 clang-tidy-16 shellcheck groff-base)
run_packages=(fuse3 btrfs-progs attr acl zstd python3 strace)

say() { printf '%s\n' "$*"; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# Prints those of the named packages that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2> /dev/null | grep -qx installed || printf '%s\n' "$package"
  done
}

# Installs what is missing, as root or through sudo; does nothing when nothing is.
install_packages() {
  command -v dpkg-query > /dev/null || {
    say "This is no Debian system: the needed packages are taken for granted (${build_packages[*]} ${run_packages[*]})"
    return 0
  }
  local -a missing as_root=()
  mapfile -t missing < <(missing_packages "${build_packages[@]}" "${run_packages[@]}")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null ||
      die "packages are missing and neither root nor sudo is at hand. As root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${missing[*]}"
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# build [TARGET...] : configures and builds the release preset in build/release
build() {
  cd "$root" || die "cannot go to $root"
  cmake --preset release > /dev/null
  local -a targets=()
  [ $# -eq 0 ] || targets=(--target "$@")
  cmake --build --preset release -j "$(nproc)" "${targets[@]}"
}

# Builds the fuzz targets in build/fuzz. They need clang, whose run-time library libFuzzer is.
build_fuzzers() {
  cd "$root" || die "cannot go to $root"
  cmake --preset fuzz > /dev/null
  nice cmake --build --preset fuzz -j "$(nproc)" --target fuzz_targets
}
