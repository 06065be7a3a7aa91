// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID and what the guest can do: a feature that is shown works, one that is hidden faults, also
 * where the CPU has it; and no table is taken in which the two disagree.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libvmxhv.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum { RDTSCP, RDPID, INVPCID, RDRAND, RDSEED, XSAVES, XRSTORS, XSS_READ, XSS_WRITE, XSAVE };

enum { EAX, EBX, ECX, EDX };

struct bit {
	uint32_t leaf, index, reg, bit;
};

static const struct {
	const char *name;
	unsigned int entry;
	struct bit bit;
	uint32_t fault;
} features[] = {
	{ "RDTSCP", RDTSCP, { 0x80000001, 0, EDX, 27 }, 6 },
	{ "RDPID", RDPID, { 7, 0, ECX, 22 }, 6 },
	{ "INVPCID", INVPCID, { 7, 0, EBX, 10 }, 6 },
	{ "RDRAND", RDRAND, { 1, 0, ECX, 30 }, 6 },
	{ "RDSEED", RDSEED, { 7, 0, EBX, 18 }, 6 },
	{ "XSAVES", XSAVES, { 0xd, 1, EAX, 3 }, 6 },
	{ "XRSTORS", XRSTORS, { 0xd, 1, EAX, 3 }, 6 },
	{ "RDMSR of XSS", XSS_READ, { 0xd, 1, EAX, 3 }, 13 },
	{ "WRMSR of XSS", XSS_WRITE, { 0xd, 1, EAX, 3 }, 13 },
};

/* RDTSCP and RDPID have one control: hidden together, too. */
static const struct bit hidden[] = {
	{ 0x80000001, 0, EDX, 27 }, { 7, 0, ECX, 22 }, { 7, 0, EBX, 10 }, { 1, 0, ECX, 30 },
	{ 7, 0, EBX, 18 },
};

static struct machine m;
static struct cpu c;
static struct vmxhv_cpuid_entry *table;
static unsigned int count;

static uint32_t *reg_of(const struct bit *b)
{
	struct vmxhv_cpuid_entry *e = vmxhv_cpuid_find(table, count, b->leaf, b->index);

	return e ? &e->eax + b->reg : NULL;
}

static bool shown(const struct bit *b)
{
	const uint32_t *reg = reg_of(b);

	return reg && *reg & 1u << b->bit;
}

static void hide(const struct bit *b)
{
	if (reg_of(b))
		*reg_of(b) &= ~(1u << b->bit);
}

static int set_cpuid(void)
{
	const struct vmxhv_cpuid arg = {
		.size = sizeof(arg), .count = count, .entries = (uintptr_t)table,
	};

	return call(c.fd, VMXHV_SET_CPUID, &arg);
}

static void start(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "features");
	cpu_create(&m, &c, 0);
}

static void end(void)
{
	cpu_destroy(&c);
	machine_destroy(&m);
}

/* Each feature of the table in force does what the table says. */
static void agree(const char *which)
{
	for (int i = 0; i < ARRAY_SIZE(features); i++) {
		bool there = shown(&features[i].bit);
		char name[80];

		snprintf(name, sizeof(name), "%s: %s %s", which, features[i].name,
			 there ? "works" : "faults");
		cpu_start(&c, MODE_LONG, features[i].entry);
		if (there)
			EXPECT(&c, name, 1);
		else
			EXPECT(&c, name, features[i].fault, 0, 0);
	}
}

static void by_default(void)
{
	start();
	tap_ok(!shown(&features[5].bit), "XSAVES is not shown");
	agree("the host's table");
	if (shown(&(const struct bit){ 1, 0, ECX, 26 })) {
		cpu_start(&c, MODE_LONG, XSAVE);
		EXPECT(&c, "XSAVE is there", 1);
	}
	end();
}

static void when_hidden(void)
{
	start();
	for (int i = 0; i < ARRAY_SIZE(hidden); i++)
		hide(&hidden[i]);
	tap_equal(set_cpuid(), 0, "a table with less");
	agree("a table with less");
	end();
}

/* Of two that share a control, one is enough. */
static void shared(void)
{
	struct vmxhv_cpuid_entry *saved = table;
	struct vmxhv_cpuid_entry copy[256];

	memcpy(copy, saved, count * sizeof(*copy));
	table = copy;
	hide(&hidden[1]);
	start();
	tap_equal(set_cpuid(), 0, "a table without RDPID");
	cpu_start(&c, MODE_LONG, RDTSCP);
	if (shown(&hidden[0]))
		EXPECT(&c, "RDTSCP works without RDPID", 1);
	else
		EXPECT(&c, "RDTSCP faults: the host has none", 6, 0, 0);
	end();
	table = saved;
}

static void states(void)
{
	const struct bit avx = { 1, 0, ECX, 28 }, ymm = { 0xd, 0, EAX, 2 };

	start();
	if (!shown(&avx)) {
		tap_skip("AVX without its state", "the guest has no AVX here");
		end();
		return;
	}
	*reg_of(&ymm) &= 3;
	expect_error(c.fd, set_cpuid(), EINVAL, VMXHV_ERR_CPUID, ANY, "without its state",
		     "AVX without its state in XCR0");
	*reg_of(&ymm) = 5;
	expect_error(c.fd, set_cpuid(), EINVAL, VMXHV_ERR_CPUID, 0xd, "together",
		     "a state without the one that it needs");
	end();
}

int main(void)
{
	struct vmxhv_dev dev;

	if (vmxhv_open(&dev, NULL) || vmxhv_get_cpuid(&dev, &table, &count, 0))
		tap_bail("GET_CPUID: %s", vmxhv_message(&dev.fail));
	by_default();
	shared();
	states();
	if (vmxhv_get_cpuid(&dev, &table, &count, 0))
		tap_bail("GET_CPUID: %s", vmxhv_message(&dev.fail));
	when_hidden();
	vmxhv_close(&dev);
	return tap_done();
}
