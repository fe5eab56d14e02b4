#!/bin/sh
# Builds the plan loader for ppc64 Linux, little-endian unless told otherwise: build.sh [--big-endian] [OUTPUT]. The same
# compiler gives the same bytes.
set -eu
cross=powerpc64le-linux-gnu-
[ "${1-}" = --big-endian ] && cross='powerpc64-linux-gnu-' && shift
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../prebuilt/plan-loader}
cd "$here"
"${cross}gcc" -mabi=elfv2 -std=gnu11 -Os -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -fno-pie \
  -fno-asynchronous-unwind-tables -mcpu=power8 -mno-altivec -mno-vsx -msoft-float \
  -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -s -o "$out" plan.c
