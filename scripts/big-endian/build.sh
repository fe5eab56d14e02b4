#!/bin/sh
# Builds a big-endian Linux with a userland for `kdumpd image import`: build.sh FOLDER leaves there `vmlinux` (with DWARF) and
# `initrd`, from Debian's sources of Linux 6.1 and busybox. What a folder has already is not built again. It takes some ten
# minutes of one processor; JOBS (default 2) says how many it may use.
#
# Debian's repository has no big-endian kexec-tools: the guest loads by plan (docs/images.md).
# Needs, of Debian: gcc-powerpc64-linux-gnu libc6-dev-ppc64-cross flex bison bc make xz-utils bzip2.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
agent=$(cd "$here/../../guest/agent" && pwd)
mkdir -p "${1:?folder}"
out=$(cd "$1" && pwd)
jobs=${JOBS:-2}
cross=powerpc64-linux-gnu-
work=$out/work
mkdir -p "$work"

for program in ${cross}gcc flex bison bc make xz apt-get dpkg-deb; do
  command -v $program >/dev/null || {
    echo "big-endian: $program is not installed; the head of build.sh names Debian's packages" >&2
    exit 1
  }
done

# sources PACKAGE: Debian's source package, by this machine's package sources, unpacked in work/PACKAGE
sources() {
  [ -d "$work/$1" ] && return
  state=$work/apt
  mkdir -p "$state/lists/partial" "$work/download"
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  apt-get indextargets --format "deb-src [signed-by=$keys] \$(SITE) \$(RELEASE) \$(COMPONENT)" \
    'Created-By: Packages' 'Origin: Debian' | sort -u >"$state/sources.list"
  set -- "$1" -q -o Dir::State="$state" -o Dir::State::Lists="$state/lists" -o Dir::Cache="$state" \
    -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null -o APT::Sandbox::User=root
  package=$1
  shift
  apt-get "$@" update
  (cd "$work/download" && apt-get "$@" source --download-only "$package")
  mkdir -p "$work/$package.part"
  tar xf "$work/download/${package}"_*.orig.tar.* -C "$work/$package.part" --strip-components=1
  mv "$work/$package.part" "$work/$package"
}

# Debian's patches are in linux-source, which is a binary package.
kernel_sources() {
  [ -d "$work/linux" ] && return
  mkdir -p "$work/download" "$work/package" "$work/linux.part"
  (cd "$work/download" && apt-get -q -o APT::Sandbox::User=root download linux-source-6.1)
  dpkg-deb -x "$work/download"/linux-source-6.1_*.deb "$work/package"
  tar xf "$work/package/usr/src/linux-source-6.1.tar.xz" -C "$work/linux.part" --strip-components=1
  rm -rf "$work/package"
  mv "$work/linux.part" "$work/linux"
}

build_kernel() {
  kernel_sources
  set -- -s -C "$work/linux" ARCH=powerpc CROSS_COMPILE=$cross KBUILD_BUILD_TIMESTAMP=1970-01-01 \
    KBUILD_BUILD_USER=kdumpd KBUILD_BUILD_HOST=kdumpd
  make "$@" KCONFIG_ALLCONFIG="$here/kernel.config" allnoconfig
  # An option whose conditions are not met is dropped without a word.
  grep '^CONFIG_.*=[y0-9"]' "$here/kernel.config" | while read -r option; do
    grep -qxF "$option" "$work/linux/.config" || {
      echo "big-endian: the kernel has no $option" >&2
      exit 1
    }
  done
  make "$@" -j"$jobs" vmlinux
  cp "$work/linux/vmlinux" "$out/vmlinux.part"
  mv "$out/vmlinux.part" "$out/vmlinux"
}

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
