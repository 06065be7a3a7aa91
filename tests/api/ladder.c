// SPDX-License-Identifier: GPL-2.0-only
/*
 * ladder REASON CPU [WORD ...]: this host can or cannot run guests for exactly that reason.
 *
 * REASON is a name of vmxhv_unusable_name(), CPU the one that says so (-1: none does), and each
 * WORD stands in the sentence that explains it. Where VMX is usable, a 16-bit guest runs to its
 * OUT.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libvmxhv.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

static const struct { uint32_t reason; int error; } errnos[] = {
	{ VMXHV_USABLE, 0 },
	{ VMXHV_UNUSABLE_NO_VMX, ENODEV },
	{ VMXHV_UNUSABLE_LOCKED, EPERM },
	{ VMXHV_UNUSABLE_IN_USE, EBUSY },
	{ VMXHV_UNUSABLE_CPUS_DIFFER, EXDEV },
	{ VMXHV_UNUSABLE_VMXON_FAILED, EIO },
	{ VMXHV_UNUSABLE_SHUTDOWN, ESHUTDOWN },
	{ VMXHV_UNUSABLE_FRED, EOPNOTSUPP },
};

static int errno_of(uint32_t reason)
{
	int error = EOPNOTSUPP;

	for (int i = 0; i < ARRAY_SIZE(errnos); i++)
		if (errnos[i].reason == reason)
			error = errnos[i].error;
	return error;
}

static void check_words(const char *text, char **words)
{
	for (; *words; words++)
		tap_ok(strstr(text, *words), "the sentence names %s", *words);
}

/* GET_INFO's own words, the same however often it is asked. */
static uint32_t check_info(int dev, const char *reason, int cpu, char **words)
{
	struct vmxhv_info info = { .size = sizeof(info) }, again = { .size = sizeof(again) };
	const char *seen;

	if (call(dev, VMXHV_GET_INFO, &info) || call(dev, VMXHV_GET_INFO, &again))
		tap_bail("GET_INFO failed");
	seen = vmxhv_unusable_name(info.unusable_reason);
	tap_note("%s: CPU %d, MSR %#x, seen %#llx, wanted %#llx: %.160s", seen, info.unusable_cpu,
		 info.unusable_msr, (unsigned long long)info.unusable_seen,
		 (unsigned long long)info.unusable_wanted, info.unusable_text);
	tap_ok(!strcmp(seen, reason), "the reason is %s", reason);
	tap_ok(info.unusable_cpu == cpu, "the CPU that says so is %d", cpu);
	tap_ok(!info.unusable_text[159] && !info.unusable_text[0] == !info.unusable_reason,
	       "there is a sentence exactly if something is wrong");
	tap_ok(!info.owner[0] == (info.unusable_reason != VMXHV_UNUSABLE_IN_USE) &&
	       strstr(info.unusable_text, info.owner), "an owner exactly if VMX is in use");
	tap_ok(!memcmp(&info, &again, sizeof(info)), "the same when asked again");
	check_words(info.unusable_text, words);
	return info.unusable_reason;
}

/* Twice: a refusal leaves nothing behind that changes the next one. */
static void check_refused(int dev, uint32_t reason)
{
	struct vmxhv_create_vm create = { .size = sizeof(create) };

	for (int i = 0; i < 2; i++)
		tap_equal(-call(dev, VMXHV_CREATE_VM, &create), errno_of(reason),
			  "CREATE_VM's errno");
}

static void check_runs(void)
{
	struct machine m;
	struct cpu c;
	int ret;

	machine_create(&m, 1 << 20);
	load_guest(&m, "first");
	cpu_create(&m, &c, 0);
	cpu_start(&c, MODE_REAL, 0);
	ret = run_guest(&c);
	if (ret)
		note_exit(&c);
	tap_ok(!ret && !strcmp(c.text, "hello"), "a 16-bit guest says hello: '%s'", c.text);
	cpu_destroy(&c);
	machine_destroy(&m);
}

int main(int argc, char **argv)
{
	int dev = open("/dev/vmxhv", O_RDWR | O_CLOEXEC);
	uint32_t reason;

	if (argc < 3)
		tap_bail("usage: ladder REASON CPU [WORD ...]");
	if (dev < 0)
		tap_bail("/dev/vmxhv: %s", strerror(errno));
	reason = check_info(dev, argv[1], atoi(argv[2]), argv + 3);
	if (reason == VMXHV_USABLE && !strcmp(argv[1], "usable"))
		check_runs();
	else
		check_refused(dev, reason);
	close(dev);
	return tap_done();
}
