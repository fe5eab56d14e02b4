#!/bin/sh
# Builds the plan loader for little-endian ppc64 Linux: build.sh OUTPUT. The same compiler gives the same bytes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../prebuilt/plan-loader}
cd "$here"
powerpc64le-linux-gnu-gcc -std=gnu11 -Os -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -fno-pie \
  -fno-asynchronous-unwind-tables -mcpu=power8 -mno-altivec -mno-vsx -msoft-float \
  -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -s -o "$out" plan.c
