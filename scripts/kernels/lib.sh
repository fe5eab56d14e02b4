# Builds Linux from Debian's sources; read by the scripts beside it. They set `what` (for messages), `here` (this folder), `out` and `work` (folders), `cross`
# (the prefix of the compiler) and `jobs`.

# need PROGRAM…: ends with a message where one is not installed
need() {
  for program in "$@"; do
    command -v "$program" >/dev/null || {
      echo "$what: $program is not installed; the head of the script names Debian's packages" >&2
      exit 1
    }
  done
}

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

# build_kernel: vmlinux with the options of pseries.config and $what.config
build_kernel() {
  kernel_sources
  cat "$here/pseries.config" "$here/$what.config" >"$work/kernel.config"
  set -- -s -C "$work/linux" ARCH=powerpc CROSS_COMPILE=$cross KBUILD_BUILD_TIMESTAMP=1970-01-01 \
    KBUILD_BUILD_USER=kdumpd KBUILD_BUILD_HOST=kdumpd
  make "$@" KCONFIG_ALLCONFIG="$work/kernel.config" allnoconfig
  # An option whose conditions are not met is dropped without a word.
  grep '^CONFIG_.*=[y0-9"]' "$work/kernel.config" | while read -r option; do
    grep -qxF "$option" "$work/linux/.config" || {
      echo "$what: the kernel has no $option" >&2
      exit 1
    }
  done
  make "$@" -j"$jobs" vmlinux
  cp "$work/linux/vmlinux" "$out/vmlinux.part"
  mv "$out/vmlinux.part" "$out/vmlinux"
}
