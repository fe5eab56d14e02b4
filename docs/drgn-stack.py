#!/usr/bin/env python3
"""Every CPU of a ppc64 vmcore: its registers as the crash saved them, its task, its stack by the back chain.

usage: drgn-stack.py VMCORE VMLINUX-WITH-DWARF

The last line says `N CPUs: N with registers and stack`; the exit code is 1 where one of them is not whole.

Registers are those of the NT_PRSTATUS note that each CPU wrote for itself (crash_notes; Linux 6.1 kernel/kexec_core.c,
crash_save_cpu). Of a secondary they are those that the system reset (trap 0x100) or the IPI interrupted, of a CPU that
panicked those of __crash_kexec (arch/powerpc/kernel/ppc_save_regs.S; trap 0).

The back chain (Power ELFv2 ABI, 2.2.3) is whole in all of them. drgn's own unwinder is not: of a kernel's NT_PRSTATUS it
takes lr for the program counter, and r1 for the frame of the function that lr is in (libdrgn/arch_ppc64.c). That is so
where a function without a frame was interrupted, as the hypercall of an idle CPU is. It is not so of the CPU that
panicked: r1 is the frame of __crash_kexec, lr is in its caller. The sizes of frames are then one function off, and drgn
stops after the first. Each CPU's last line says how far drgn came.
"""

import sys

import drgn
from drgn import Object
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.percpu import per_cpu, per_cpu_ptr
from drgn.helpers.linux.pid import for_each_task

KERNEL = 0xC000000000000000
# elf_gregset_t (Linux 6.1 arch/powerpc/include/uapi/asm/ptrace.h, PT_*); struct pt_regs begins in the same way.
NIP, MSR, CTR, LINK, XER, CCR, TRAP, DAR, DSISR = 32, 33, 35, 36, 37, 38, 40, 41, 42
MSR_PR = 1 << 14
MSR_BITS = {63: "SF", 25: "VEC", 23: "VSX", 15: "EE", 14: "PR", 13: "FP", 12: "ME", 5: "IR", 4: "DR", 1: "RI", 0: "LE"}
# The frame of an interrupt: marker and registers (Linux 6.1 arch/powerpc/include/asm/ptrace.h).
MARKER_AT, REGS_AT, REGS_BYTES = 96, 112, 44 * 8
MARKERS = (0x52454753, 0x53474552)
# Interrupts that say what address they are about.
DATA_TRAPS = (0x200, 0x300, 0x380, 0x600)
# Note header and the name CORE come before elf_prstatus.
NOTE_HEADER = 20
MOST_FRAMES = 200


def name(prog, address, call=False):
    """Symbol and offset. A return address belongs to the call before it: that may be a function's last instruction."""
    try:
        symbol = prog.symbol(address - 4 if call else address)
    except LookupError:
        return None
    return f"{symbol.name}+{address - symbol.address:#x}"


def function(text):
    return None if text is None else text.split("+")[0]


class Stack:
    """Lines to print, functions innermost first, and whether it is whole: each frame has a name, and the chain ends."""

    def __init__(self, prog, regs):
        self.prog, self.lines, self.functions, self.whole = prog, [], [], True
        # Stacks are aligned to their size.
        self.stack_bytes = prog.type("union thread_union").size
        # Whether the function at nip has the frame at r1: then lr is what its caller goes on at.
        self.owns_frame = False
        self.walk(regs, True)

    def add(self, address, call):
        text = name(self.prog, address, call)
        self.lines.append(text or f"{address:#x}, which has no name")
        self.whole = self.whole and text is not None
        self.functions.append(function(text))

    def stop(self, text, whole):
        self.lines.append(text)
        self.whole = self.whole and whole

    def walk(self, regs, innermost):
        read = self.prog.read_u64
        if regs[MSR] & MSR_PR:
            return self.stop(f"(user mode at {regs[NIP]:#x})", True)
        self.add(regs[NIP], False)
        sp, first = regs[1], True
        for _ in range(MOST_FRAMES):
            if sp < KERNEL:
                return self.stop(f"(r1 is {sp:#x}: no stack of the kernel)", False)
            up = read(sp)
            if self.holds_registers(sp, up):
                there = [read(sp + REGS_AT + 8 * n) for n in range(44)]
                self.lines.append(f"--- {kind(there[TRAP])}")
                return self.walk(there, False)
            if up == 0:
                return None
            back = read(up + 16) if up >= KERNEL else 0
            if first:
                owns = back == regs[LINK] or function(name(self.prog, regs[LINK], True)) == self.functions[-1]
                if innermost:
                    self.owns_frame = owns
                if not owns:
                    self.add(regs[LINK], True)
            if up < KERNEL:
                return self.stop(f"(the chain leaves the kernel: {up:#x})", False)
            # The frame at the bottom of an interrupt stack only leads back to the task's: nobody is called from it.
            if sp // self.stack_bytes == up // self.stack_bytes:
                self.add(back, True)
            else:
                self.lines.append("--- from another stack")
            sp, first = up, False
        return self.stop("(a chain without an end)", False)

    def holds_registers(self, sp, up):
        # Another stack, or a user's, may be anywhere.
        roomy = up < sp or up - sp >= REGS_AT + REGS_BYTES
        return roomy and self.prog.read_u64(sp + MARKER_AT) in MARKERS


def kind(trap):
    trap &= ~0xF
    names = {0x100: "system reset", 0x500: "external interrupt", 0x900: "decrementer", 0xA00: "doorbell"}
    if trap in (0xC00, 0x3000):
        return f"system call {trap:#x}"
    return f"{names.get(trap, 'interrupt')} {trap:#x}"


def saved_registers(prog, cpu):
    """The words of a CPU's elf_gregset_t; None where it wrote no note."""
    note = per_cpu_ptr(prog["crash_notes"], cpu).value_()
    if prog.read_u32(note) == 0:
        return None
    status = Object(prog, "struct elf_prstatus", address=note + NOTE_HEADER)
    return [word.value_() for word in status.pr_reg]


def bits(msr):
    return " ".join(text for bit, text in MSR_BITS.items() if msr >> bit & 1)


def show_registers(prog, regs):
    def where(label, address, call):
        text = name(prog, address, call)
        print(f"    {label} {address:016x}{'' if text is None else f' {text}'}")

    where("pc ", regs[NIP], False)
    where("lr ", regs[LINK], True)
    print(f"    msr {regs[MSR]:016x} {bits(regs[MSR])}")
    print(f"    r1  {regs[1]:016x}  r2  {regs[2]:016x}  r3  {regs[3]:016x}  r13 {regs[13]:016x}")
    print(f"    ctr {regs[CTR]:016x}  xer {regs[XER]:08x}  cr {regs[CCR]:08x}  trap {regs[TRAP]:#x}")
    if regs[TRAP] in DATA_TRAPS:
        print(f"    dar {regs[DAR]:016x}  dsisr {regs[DSISR]:08x}")


def drgn_says(prog, task, stack, regs):
    """How far drgn's own unwinder comes, and why not further."""
    own = [frame.symbol().name for frame in named(prog.stack_trace(task))]
    wanted = [each for each in stack.functions if each is not None]
    if own and wanted and own[-1] == wanted[-1]:
        return f"drgn's own unwinder: whole, {len(own)} functions"
    reached = f"stops after {own[-1]}" if own else "finds nothing"
    if not stack.owns_frame:
        return f"drgn's own unwinder: {reached}"
    lr = function(name(prog, regs[LINK], True))
    return f"drgn's own unwinder: {reached}: it takes r1, the frame of {stack.functions[0]}, for that of {lr}, where lr is"


def named(trace):
    """Functions of a trace, inlined ones left out, up to the first address without a name."""
    for frame in trace:
        if frame.is_inline:
            continue
        try:
            frame.symbol()
        except LookupError:
            return
        yield frame


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    prog = drgn.Program()
    prog.set_core_dump(sys.argv[1])
    prog.load_debug_info([sys.argv[2]])
    tasks = list(for_each_task(prog))
    print(len(tasks), "tasks:", " ".join(task.comm.string_().decode() for task in tasks[:8]), "…")
    panicking = prog["crashing_cpu"].value_()
    online = list(for_each_online_cpu(prog))
    good = 0
    for cpu in online:
        task = per_cpu(prog["runqueues"], cpu).curr
        mark = " (panicking)" if cpu == panicking else ""
        print(f"CPU {cpu}{mark}: task {task.pid.value_()} {task.comm.string_().decode()}")
        regs = saved_registers(prog, cpu)
        if regs is None:
            print("    no registers: it never answered")
            continue
        show_registers(prog, regs)
        stack = Stack(prog, regs)
        for line in stack.lines:
            print("      ", line)
        print(f"    {drgn_says(prog, task, stack, regs)}")
        good += stack.whole
    print(f"{len(online)} CPUs: {good} with registers and stack")
    sys.exit(0 if good == len(online) else 1)


main()
