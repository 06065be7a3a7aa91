# SPDX-License-Identifier: GPL-2.0-only
"""The launcher on a real guest: how a run ends, input, output, the terminal; and the tools' own tests."""
import dataclasses
import re
import shutil
import subprocess

from machine import guest, modbuild, tap, util
from machine.case import case, matrix

# Name, what goes in, arguments, exit status, what must be in the output.
ENDS = [
    ("halts", "hq", "", 0, "hello"),
    ("halts with interrupts on, goes on", "wq", "", 0, "hello"),
    ("powers off", "s", "", 0, ""),
    ("resets by ACPI", "a", "", 3, "reset itself (ACPI)"),
    ("resets by port 0x64", "r", "", 3, "port 0x64"),
    ("resets by port 0x92", "b", "", 3, "port 0x92"),
    ("triple-faults", "ht", "", 4,
     "triple fault at RIP 0x[0-9a-f]* (gpa 0x1[0-9a-f]* in a user page of 4 KiB, rwx)"),
    ("exits by --debug-exit", "hd", "--debug-exit 0xf4", 42, "hello"),
    ("does not without it", "dq", "", 0, ""),
    ("spins until --timeout", "k", "--timeout 2", 124, "--timeout 2"),
    ("goes on after the end of its input", "h", "--timeout 2", 124, "hello"),
    ("prints by rep outsb", "oq", "", 0, "hello"),
    ("reads by rep insb", "iq", "", 0, "61"),
    ("reads ones from nobody's port", "pq", "", 0, "ff"),
    ("reads ones from nobody's memory", "mq", "", 0, "ff"),
    ("stores to nobody's memory by rep stosw", "xq", "", 0, "06"),
    ("meets an MMIO instruction that is not known", "f", "", 7, "not known"),
    ("executes where nothing is", "j", "", 7, "executes at 0xa0010, where no memory is (RIP 0x10)"),
    ("halts without a word, which is said", "q", "", 0, "without a byte of output"),
    ("echoes a line", "Ethe quick brown fox jumps over it\\nq", "", 0, "brown fox jumps"),
    ("needs little memory", "hq", "--mem 2M", 0, "hello"),
]

SCRIPT = """
n=0; bad=0
t() {
    printf "$2" | eval "vmxhv-run $3" >/tmp/out 2>&1
    rc=$?; n=$((n + 1))
    if [ $rc = $4 ] && { [ -z "$5" ] || grep -q -e "$5" /tmp/out; }; then echo "ok $n - $1"
    else bad=1; echo "not ok $n - $1"; echo "# exit status $rc, wanted $4"; sed 's/^/# /' /tmp/out; fi
}
mkdir -p /tmp
"""


def script(lines):
    return SCRIPT + "\n".join(lines) + '\necho "1..$n"; [ $bad = 0 ]\n'


def ends():
    return script(f"t \"{name}\" '{text}' '--flat /guest/menu.bin {args}' {rc} '{want}'"
                  for name, text, args, rc, want in ENDS)


# Whoever has our output may not read it, or not be there. A FIFO that is open for reading stands for
# what nobody reads: "sleep" holds it. Each line: name, shell command, status, pattern of standard error.
HELD = """
mkfifo /tmp/held; sleep 1000 </tmp/held & sleeper=$!
exec 9>/tmp/held
menu() { printf "$1" | vmxhv-run --flat /guest/menu.bin $2; }
after() { (sleep 3; kill -$1 $(pidof vmxhv-run)) & }
r() {
    eval "$2" 2>/tmp/err; rc=$?; n=$((n + 1))
    if [ $rc = $3 ] && { [ -z "$4" ] || grep -q -e "$4" /tmp/err; }; then echo "ok $n - $1"
    else bad=1; echo "not ok $n - $1"; echo "# exit status $rc, wanted $3"; sed 's/^/# /' /tmp/err; fi
}
"""
OUTPUT = [
    ("nobody reads: --timeout ends it", "menu z \"--timeout 4\" >&9", 124, "ended by --timeout"),
    ("nobody reads: the loss is said", "menu z \"--timeout 4\" >&9", 124, "bytes of output are lost"),
    ("nobody reads: SIGTERM ends it", "after TERM; menu z >&9", 143, "ended by signal 15"),
    ("nobody reads: SIGINT ends it", "after INT; menu z >&9", 130, "ended by signal 2"),
    ("nobody reads: a guest that ends, ends it", "menu yq >&9", 9, "bytes of output are lost"),
    ("nobody reads: SIGTERM while it waits for a reader", "after TERM; menu yq >&9", 9, "are lost"),
    ("nobody reads standard error, too", "menu z \"--timeout 4 --trace-io\" >&9 2>&9", 124, ""),
    ("nobody reads lines about ports, and the guest goes on",
     "menu ppppppppppppq --trace-io 2>&9 >/dev/null", 0, ""),
    ("a reader that comes late gets all", "menu yq | (sleep 4; wc -c) >/tmp/wc; grep -q 196608 /tmp/wc", 0, ""),
    ("closed", "menu hq >&-", 9, "standard output: Bad file descriptor"),
    ("closed, and not used", "menu q >&-", 0, ""),
    ("all three closed", "vmxhv-run --flat /guest/menu.bin --timeout 3 <&- >&- 2>&-", 124, ""),
    ("full", "menu hq >/dev/full", 9, "standard output: No space left"),
    ("full, and the guest would go on for ever", "menu k >/dev/full", 9, "standard output: No space"),
    ("a dead pipe", "(menu hk; echo $? >/tmp/rc) | true; (exit $(cat /tmp/rc))", 9, "Broken pipe"),
    ("a file that may not grow", "(ulimit -f 1; menu yk >/tmp/small)", 9, "File too large"),
]


def output():
    lines = [f"r '{name}' '{command}' {rc} '{want}'" for name, command, rc, want in OUTPUT]
    return script([HELD, *lines, "kill $sleeper"])


# Images of other kinds, and options. An image checks what it was handed: 85 is good, another number
# is that of the check that failed; so a line with something missing proves that it is looked for.
HANDED = "--debug-exit 0xf4 --mem 64M"
DISK = "--initrd /tmp/disk"
MODULES = "--module '/tmp/module,a b' --module /tmp/module"
LINE = "--append 'check this'"
KERNELS = [
    ("ELF64", "kernel_elf.elf", f"{LINE} {DISK}", 85),
    ("ELF64 with another command line", "kernel_elf.elf", DISK, 3),
    ("ELF64 with another initrd", "kernel_elf.elf", f"{LINE} --initrd /tmp/module", 4),
    ("ELF64 with another size of memory", "kernel_elf.elf", f"{LINE} {DISK} --mem 65M", 5),
    ("Multiboot in ELF32", "multiboot_elf32.elf", f"{LINE} {MODULES}", 85),
    ("Multiboot in ELF64", "multiboot_elf64.elf", f"{LINE} {MODULES}", 85),
    ("Multiboot by addresses", "multiboot_raw.bin", f"{LINE} {MODULES}", 85),
    ("Multiboot with another size of memory", "multiboot_raw.bin", "--mem 65M", 3),
    ("Multiboot without a command line", "multiboot_elf32.elf", MODULES, 4),
    ("Multiboot without modules", "multiboot_elf64.elf", LINE, 5),
    ("Multiboot with too small a module", "multiboot_elf64.elf", f"{LINE} --module /tmp/disk --module /tmp/disk", 5),
    ("Multiboot without a module's text", "multiboot_raw.bin",
     f"{LINE} --module /tmp/module --module /tmp/module", 5),
    ("Multiboot where the loader puts its own", "multiboot_low.bin", f"{LINE} {MODULES}", 85),
    ("Multiboot from address 0", "multiboot_zero.bin", f"{LINE} {MODULES}", 85),
    ("ELF64 where the loader puts its own", "kernel_elf_low.elf", f"{LINE} {DISK}", 85),
    ("8259, 8254 and ACPI's timer", "pc.elf", "--machine pc", 85),
    ("the same, packed", "packed.gz", "--machine pc", 85),
    ("and none of them on the reduced machine", "pc.elf", "", 1),
    ("fw_cfg", "fw_cfg.elf", f"{LINE} --fw-cfg 'opt/a disk=/tmp/disk'", 85),
    ("fw_cfg with another command line", "fw_cfg.elf", "--append checked", 4),
    ("fw_cfg without the file", "fw_cfg.elf", f"{LINE} --fw-cfg opt/a=/tmp/disk", 8),
]


def kernels():
    files = ["printf 'a disk' >/tmp/disk", "printf 'a module' >/tmp/module",
             "gzip -c /guest/pc.elf >/guest/packed.gz"]
    return script(files + [f't "{name}" "" "--kernel /guest/{image} {HANDED} {args}" {rc} ""'
                           for name, image, args, rc in KERNELS])


def native():
    """What needs no VMX: decoder, devices, tables, command lines. A result for each program."""
    modbuild.programs()
    kept = util.BUILD / "tooltests"
    shutil.rmtree(kept, ignore_errors=True)
    res = subprocess.run(["make", "-s", "-C", str(util.ROOT / "tools"), "check",
                          f"OUT={util.BUILD / 'user'}", f"TAP={kept}"],
                         capture_output=True, text=True)
    results = []
    for file in sorted(kept.glob("*")):
        each = tap.tap(file.name, file.read_text())
        bad = [f"{r.name} {r.detail}" for r in each if r.status == tap.FAIL]
        skipped = not bad and all(r.status == tap.SKIP for r in each)
        results.append(tap.Result(f"run/native/{file.name}",
                                  tap.FAIL if bad else tap.SKIP if skipped else tap.PASS,
                                  "\n".join(bad)))
    good = all(r.status != tap.FAIL for r in results)
    assert results and (res.returncode == 0) == good, (res.stdout + res.stderr)[-4000:]
    return results


# What the guest says of its clocks and of its serial port; then it reads a line and reboots.
LINUX = """
cat /sys/devices/system/clocksource/clocksource0/current_clocksource
grep ttyS0 /proc/interrupts
dmesg | grep -i -E 'tsc|lapic timer|calibrat|ttyS0|i8042|rtc_cmos|unstable|x2apic|mtrr|PAT'
read line
echo "guest got: $line"
reboot -f
"""


def clean_log(output, _log):
    """Interrupts and frequencies come from the tables: nothing is polled, nothing calibrated."""
    assert guest.MARKER in output, "the guest's greeting did not come"
    assert "guest got: a line typed" in output, "the line on standard input did not arrive"
    assert re.search(r"^tsc\r?$", output, re.M), "the clock source is not the TSC"
    assert re.search(r"[1-9]\d* +IO-APIC +4-edge +ttyS0", output), "no serial interrupts"
    assert re.search("lapic timer already calibrated|TSC deadline timer", output), \
        "the APIC timer was calibrated"
    assert not re.search("unstable|Fast TSC|PIT calibration", output), "the TSC was calibrated"
    assert "WB  WC  UC- UC  WB  WP  UC- WT" in output, "the guest has no PAT of its own"
    assert "MTRRs disabled" not in output, "the guest's MTRRs are off"
    assert "reset itself (ACPI)" in output, "the reboot was no reset by ACPI"


def linux():
    c = guest.linux("run/linux", script=LINUX, check=clean_log, status=3,
                    append="console=ttyS0 quiet panic=-1 apic=verbose cryptomgr.notests")
    return dataclasses.replace(c, run=f"echo 'a line typed' | {c.run}")


def says(image, line, options=""):
    """A flat guest that prints just that, and halts."""
    return f"""
vmxhv-run --flat /guest/{image} {options} </dev/null >/tmp/out 2>&1
rc=$?
echo "status $rc, said $(cat /tmp/out)"
[ $rc = 0 ] && [ "$(cat /tmp/out)" = {line} ]
"""


# Pending and not in service while the APIC is off; then three interrupts, remote IRR and TMR set each
# time, remote IRR clear at the end.
LEVEL = says("level.bin", "013110")
RTC = says("rtc.bin", "UDc090b0")
# xAPIC mode; x2APIC mode; off
X2APIC = says("x2apic.bin", "001111")

# One cause has one status, and one version is everybody's.
NO_RIGHTS = """
mkdir -p /etc
echo 'u::1000:1000::/:/bin/sh' >/etc/passwd
chmod 600 /dev/vmxhv
su u -c vmxhv-info; info=$?
su u -c 'vmxhv-run --flat /guest/menu.bin'; run=$?
echo "status $info and $run"
[ $info = 8 ] && [ $run = 8 ]
"""
# More than a guest's addresses reach is refused with how much that is; on a CPU with more it runs.
MEM = """
bits=$(vmxhv-info | sed -n 's/.* \\([0-9]*\\) address bits/\\1/p')
printf q | vmxhv-run --flat /guest/menu.bin --mem 1023G >/tmp/out 2>&1; rc=$?
echo "$bits bits, status $rc, said $(cat /tmp/out)"
[ $rc = 0 ] && [ $bits -ge 40 ] || { [ $rc = 2 ] && [ $bits -lt 40 ] && grep -q "at most" /tmp/out; }
"""
VERSION = """
version=$(cat /sys/module/vmxhv/version)
vmxhv-run --version; vmxhv-info --version; echo "vmxhv.ko $version"
[ -n "$version" ] && [ "$(vmxhv-run --version)" = "vmxhv-run $version" ] &&
    [ "$(vmxhv-info --version)" = "vmxhv-info $version" ]
"""

# The image is in the first 2 MiB of the guest's memory: they are one page of the host's, and so of
# the guest's, if they begin where one can.
LARGE = """
echo always >/sys/kernel/mm/transparent_hugepage/enabled
printf hk | vmxhv-run --flat /guest/menu.bin --timeout 20 >/tmp/out 2>&1 &
pid=$!; n=0
until grep -q hello /tmp/out || [ $n = 50 ]; do n=$((n + 1)); sleep 0.1; done
kib=$(awk '/^AnonHugePages/ {print $2}' /proc/$pid/smaps_rollup)
kill $pid
echo "said $(cat /tmp/out), $kib KiB in large pages"
grep -q hello /tmp/out && [ $kib -ge 2048 ]
"""


CASES = [
    linux(),
    case("run/native", host=native),
    case("run/ends", ends(), timeout=60),
    case("run/ends", ends(), timeout=60, kernel="6.12"),
    *matrix("run/output", output(), timeout=120, kernel=["6.1", "6.12"]),
    case("run/level", LEVEL),
    case("run/level", LEVEL, kernel="6.12"),
    *matrix("run/rtc", RTC, timeout=60, kernel=["6.1", "6.12"]),
    case("run/rtc-pc", says("rtc.bin", "UDc090b0", "--machine pc"), timeout=60),
    *matrix("run/x2apic", X2APIC, kernel=["6.1", "6.12"]),
    case("run/no-rights", NO_RIGHTS),
    case("run/version", VERSION),
    case("run/mem", MEM),
    *matrix("run/kernels", kernels(), timeout=60, kernel=["6.1", "6.12"]),
    *matrix("run/kernels", kernels(), timeout=60, model=["sandy_bridge", "cnl"]),
    *matrix("run/large-pages", LARGE, kernel=["6.1", "6.12"], mem=768),
    case("run/tty", "/t/run_tty /bin/vmxhv-run /guest/menu.bin", timeout=120),
    case("run/hello", "[ \"$(hello)\" = 'hello from a guest' ]"),
    *matrix("run/two", "two >/tmp/two; sort /tmp/two; "
            "[ \"$(sort /tmp/two)\" = \"$(printf 'vCPU 0 wrote 0\\nvCPU 1 wrote 1')\" ]",
            cpus=[1, 2]),
    case("run/info", "vmxhv-info"),
    case("run/info-json", "vmxhv-info --json | grep '\"usable\": true'"),
    case("run/info-no-module", "vmxhv-info; [ $? = 7 ]", modules=()),
    case("run/info-no-vmx", "vmxhv-info; [ $? = 2 ]", model="ryzen", needs_vmx=False),
    case("run/info-missing", "vmxhv-info; [ $? = 5 ]", model="penryn",
         needs_vmx=False),
    case("run/unusable", "vmxhv-run --flat /guest/menu.bin; [ $? = 8 ]", model="ryzen",
         needs_vmx=False),
]
