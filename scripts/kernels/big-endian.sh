#!/bin/sh
# Builds a big-endian Linux with a userland for `kdumpd image import`: big-endian.sh FOLDER leaves there `vmlinux` (with DWARF) and
# `initrd`, from Debian's sources of Linux 6.1 and busybox. What a folder has already is not built again. It takes some ten
# minutes of one processor; JOBS (default 2) says how many it may use.
#
# Debian's repository has no big-endian kexec-tools: the guest loads by plan (docs/images.md).
# Needs, of Debian: gcc-powerpc64-linux-gnu libc6-dev-ppc64-cross flex bison bc make xz-utils bzip2.
set -eu
export LC_ALL=C
what=big-endian
here=$(cd "$(dirname "$0")" && pwd)
agent=$(cd "$here/../../guest/agent" && pwd)
mkdir -p "${1:?folder}"
out=$(cd "$1" && pwd)
jobs=${JOBS:-2}
cross=powerpc64-linux-gnu-
work=$out/work
mkdir -p "$work"
. "$here/lib.sh"
need ${cross}gcc flex bison bc make xz apt-get dpkg-deb

build_busybox() {
  sources busybox
  set -- -s -C "$work/busybox" ARCH=powerpc CROSS_COMPILE=$cross SKIP_STRIP=n
  make "$@" defconfig >/dev/null
  # The shell runs its applets without links in PATH, as Debian's busybox-static does.
  for option in STATIC FEATURE_SH_STANDALONE FEATURE_PREFER_APPLETS; do
    sed -i "s/^# CONFIG_$option is not set$/CONFIG_$option=y/" "$work/busybox/.config"
  done
  # Of no use in an initramfs, and not to be linked statically or built with today's headers.
  for option in TC FEATURE_UTMP FEATURE_WTMP NSLOOKUP; do
    sed -i "s/^CONFIG_$option=y$/# CONFIG_$option is not set/" "$work/busybox/.config"
  done
  yes '' | make "$@" oldconfig >/dev/null
  make "$@" -j"$jobs" busybox >"$work/busybox.log" 2>&1 || {
    tail -n 20 "$work/busybox.log" >&2
    exit 1
  }
  cp "$work/busybox/busybox" "$work/busybox.part"
}

build_initrd() {
  [ -f "$work/busybox.part" ] || build_busybox
  mkdir -p "$work/files"
  cp "$work/busybox.part" "$work/files/busybox"
  : >"$work/files/no-modules"
  "$agent/plan/build.sh" --big-endian "$work/files/plan-loader"
  sed "s|@AGENT@|$agent|; s|@WORK@|$work/files|" "$here/initramfs.list" >"$work/initramfs.list"
  "$work/linux/usr/gen_init_cpio" -t 0 "$work/initramfs.list" >"$out/initrd.part"
  mv "$out/initrd.part" "$out/initrd"
}

[ -f "$out/vmlinux" ] || build_kernel
# The agent's scripts may be newer than the archive: it is written each time.
build_initrd
