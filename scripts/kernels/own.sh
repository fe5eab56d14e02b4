#!/bin/sh
# Builds a little-endian Linux whose options differ from Debian's (own.config), for `kdumpd image import --base`: own.sh FOLDER leaves there
# `vmlinux`, from Debian's sources of Linux 6.1. It takes some ten minutes of one processor; JOBS (default 2) says how many it may use.
# Needs, of Debian: gcc-powerpc64le-linux-gnu flex bison bc make xz-utils.
set -eu
export LC_ALL=C
what=own
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?folder}"
out=$(cd "$1" && pwd)
jobs=${JOBS:-2}
cross=powerpc64le-linux-gnu-
work=$out/work
mkdir -p "$work"
. "$here/lib.sh"
need ${cross}gcc flex bison bc make xz apt-get dpkg-deb

[ -f "$out/vmlinux" ] || build_kernel
