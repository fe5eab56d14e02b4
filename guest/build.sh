#!/bin/sh
# Builds the built-in guest kernel and purgatory into guest/prebuilt (or the folder given), the same bytes every time.
# Needs powerpc64-linux-gnu-gcc 12 (Debian: gcc-powerpc64-linux-gnu). `build.sh --check`: compares with what is there.
# `build.sh --objects FOLDER`: links nothing, and leaves there an object for each source, by its path, as SOURCE.o.
set -eu
export LC_ALL=C SOURCE_DATE_EPOCH=0
cd "$(dirname "$0")"
here=$(pwd)
check=
objects_alone=
out=$here/prebuilt
case ${1-} in
--check) check=1 ;;
--objects) objects_alone=1 && mkdir -p "$2" && out=$(cd "$2" && pwd) ;;
?*) mkdir -p "$1" && out=$(cd "$1" && pwd) ;;
esac
cross=${CROSS_COMPILE:-powerpc64-linux-gnu-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags="-std=gnu11 -mabi=elfv2 -mbig-endian -m64 -mcpu=power8 -mno-altivec -mno-vsx -msoft-float -mcmodel=medium
  -ffreestanding -fno-stack-protector -fno-common -fno-builtin -fno-strict-aliasing -fno-asynchronous-unwind-tables
  -fno-tree-loop-distribute-patterns -fno-omit-frame-pointer -fno-optimize-sibling-calls
  -fno-partial-inlining -fno-ipa-cp -fno-ipa-sra -fno-reorder-blocks-and-partition -O2 -g -gdwarf-4 -gno-record-gcc-switches
  -ffile-prefix-map=$here=guest -Wall -Wextra -Werror -Wno-unused-parameter"

# compile FOLDER FLAGS…: every .c and .S below it, in the order of their names
compile() {
  folder=$1
  shift
  objects=
  for source in $(cd "$here" && find "$folder" -name '*.[cS]' | sort); do
    object=$work/$source.o
    mkdir -p "$(dirname "$object")"
    "${cross}gcc" $flags "$@" -c "$here/$source" -o "$object"
    objects="$objects $object"
  done
}

# link SCRIPT OUTPUT
link() {
  "${cross}ld" -EB -m elf64ppc -pie -Bsymbolic --no-dynamic-linker --build-id=none -z max-page-size=65536 -z norelro \
    --no-toc-sort --no-multi-toc --no-warn-rwx-segments -T "$here/$1" -o "$work/$2" $objects
}

# build FOLDER FLAGS…: its image, or its objects
build() {
  compile "$@"
  if [ -n "$objects_alone" ]; then
    cp -r "$work/$1" "$out"
  else
    link "$1/$1.lds" "$1.elf"
  fi
}

mkdir -p "$out"
build kernel -fpie -I"$here/kernel"
build purgatory -fpie
[ -z "$objects_alone" ] || exit 0

status=0
for image in kernel.elf purgatory.elf; do
  if [ -z "$check" ]; then
    cp "$work/$image" "$out/$image"
  elif ! cmp "$work/$image" "$out/$image"; then
    status=1
  fi
done
exit $status
