#!/usr/bin/env python3
"""The panicking CPU of a ppc64 vmcore: its task and its stack by the back chain.

usage: drgn-stack.py VMCORE VMLINUX-WITH-DWARF

Linux 6.1 saves the registers of the panicking CPU with the program counter of panic() and the stack pointer of the frame
below it, so an unwinder that trusts both stops after one frame. The back chain (Power ELFv2 ABI, 2.2.3) is whole.
"""

import sys

import drgn
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.pid import for_each_task


def frames(prog, sp):
    while sp >= 0xC000000000000000:
        up = prog.read_u64(sp)
        if up < 0xC000000000000000:
            return
        lr = prog.read_u64(up + 16)
        try:
            yield prog.symbol(lr).name
        except LookupError:
            yield hex(lr)
        sp = up


def main():
    prog = drgn.Program()
    prog.set_core_dump(sys.argv[1])
    prog.load_debug_info([sys.argv[2]])
    tasks = list(for_each_task(prog))
    print(len(tasks), "tasks:", " ".join(task.comm.string_().decode() for task in tasks[:8]), "…")
    thread = prog.crashed_thread()
    cpu = prog["crashing_cpu"].value_()
    task = per_cpu(prog["runqueues"], cpu).curr
    print("panicking CPU", cpu, "task", task.pid.value_(), task.comm.string_().decode())
    registers = thread.stack_trace()[0].registers()
    for name in frames(prog, registers["r1"]):
        print("  ", name)


main()
