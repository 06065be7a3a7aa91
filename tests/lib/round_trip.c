// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "refusal.h"
#include "round_trip.h"
#include "tap.h"

#define MAX_XSAVE	16384
#define MAX_MSRS	256
#define MSR_TSC		0x10
#define LAPIC_IRR	0x200	/* eight of them, 16 bytes apart */
#define LAPIC_COUNT	0x390

struct whole {
	struct vmxhv_gprs gprs;
	struct vmxhv_sregs sregs;
	struct vmxhv_events events;
	struct vmxhv_debug_regs debug;
	uint8_t xsave[MAX_XSAVE];
	struct vmxhv_lapic lapic;
	struct vmxhv_tsc tsc;
	uint32_t xsave_length;
	struct vmxhv_msr_entry msrs[MAX_MSRS];
	uint32_t nr_msrs;
};

static bool failed;

/* One in how many; 0: never. */
static int rate(void)
{
	const char *text = getenv("ROUND_TRIP");

	return text ? atoi(text) : 0;
}

static void fail(struct cpu *c, const char *what, int ret)
{
	struct vmxhv_error e = last_error(c->fd);

	failed = true;
	tap_note("round trip %d: %s: %s", c->round_trips, what, strerror(-ret));
	if (ret)
		tap_note("  group %u, item %u, value %#llx: %.96s", e.index, e.item,
			 (unsigned long long)e.value, e.text);
}

static int all_groups(struct cpu *c, unsigned long command, struct whole *w)
{
	struct vmxhv_state_entry entries[] = {
		{ VMXHV_STATE_GPRS, sizeof(w->gprs), (uintptr_t)&w->gprs },
		{ VMXHV_STATE_SREGS, sizeof(w->sregs), (uintptr_t)&w->sregs },
		{ VMXHV_STATE_EVENTS, sizeof(w->events), (uintptr_t)&w->events },
		{ VMXHV_STATE_DEBUG, sizeof(w->debug), (uintptr_t)&w->debug },
		{ VMXHV_STATE_XSAVE, w->xsave_length, (uintptr_t)w->xsave },
		{ VMXHV_STATE_LAPIC, sizeof(w->lapic), (uintptr_t)&w->lapic },
		{ VMXHV_STATE_TSC, sizeof(w->tsc), (uintptr_t)&w->tsc },
	};
	struct vmxhv_state state = {
		.size = sizeof(state), .count = VMXHV_STATE_GROUPS, .entries = (uintptr_t)entries,
	};
	int ret = call(c->fd, command, &state);

	w->xsave_length = entries[VMXHV_STATE_XSAVE].length;
	return ret;
}

/* All but the TSC, which goes on meanwhile, and is in a group. */
static int all_msrs(struct cpu *c, unsigned long command, struct whole *w)
{
	struct vmxhv_msrs msrs = {
		.size = sizeof(msrs), .count = MAX_MSRS, .entries = (uintptr_t)w->msrs,
	};
	uint32_t n = 0;
	int ret = 0;

	if (!w->nr_msrs) {
		ret = call(c->m->dev, VMXHV_GET_MSR_LIST, &msrs);
		for (uint32_t i = 0; !ret && i < msrs.count; i++)
			if (w->msrs[i].index != MSR_TSC)
				w->msrs[n++] = w->msrs[i];
		w->nr_msrs = n;
	}
	msrs.count = w->nr_msrs;
	return ret ? ret : call(c->fd, command, &msrs);
}

/* The timer counts on, and may expire; no interrupt is lost. */
static bool same_lapic(struct vmxhv_lapic *a, struct vmxhv_lapic *b)
{
	for (int i = 0; i < 8; i++) {
		uint8_t *was = a->regs + LAPIC_IRR + i * 16, *is = b->regs + LAPIC_IRR + i * 16;

		for (int byte = 0; byte < 4; byte++) {
			if (was[byte] & ~is[byte])
				return false;
			is[byte] = was[byte];
		}
	}
	memcpy(b->regs + LAPIC_COUNT, a->regs + LAPIC_COUNT, 4);
	return !memcmp(a->regs, b->regs, sizeof(a->regs));
}

static void compare(struct cpu *c, struct whole *a, struct whole *b)
{
	if (memcmp(&a->gprs, &b->gprs, sizeof(a->gprs)))
		fail(c, "GPRS differ", 0);
	if (memcmp(&a->sregs, &b->sregs, sizeof(a->sregs)))
		fail(c, "SREGS differ", 0);
	if (memcmp(&a->events, &b->events, sizeof(a->events)))
		fail(c, "EVENTS differ", 0);
	if (memcmp(&a->debug, &b->debug, sizeof(a->debug)))
		fail(c, "DEBUG differs", 0);
	if (memcmp(a->xsave, b->xsave, a->xsave_length))
		fail(c, "XSAVE differs", 0);
	if (!same_lapic(&a->lapic, &b->lapic))
		fail(c, "LAPIC differs", 0);
	if (a->tsc.offset != b->tsc.offset || a->tsc.adjust != b->tsc.adjust ||
	    a->tsc.khz != b->tsc.khz)
		fail(c, "TSC differs", 0);
	if (memcmp(a->msrs, b->msrs, a->nr_msrs * sizeof(a->msrs[0])))
		fail(c, "MSRs differ", 0);
}

static void there_and_back(struct cpu *c)
{
	static struct whole a, b;
	int ret;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.xsave_length = MAX_XSAVE;
	b.xsave_length = MAX_XSAVE;
	c->round_trips++;
	ret = all_groups(c, VMXHV_GET_STATE, &a);
	if (ret)
		return fail(c, "GET_STATE", ret);
	ret = all_msrs(c, VMXHV_GET_MSRS, &a);
	if (ret)
		return fail(c, "GET_MSRS", ret);
	ret = all_groups(c, VMXHV_SET_STATE, &a);
	if (ret)
		return fail(c, "SET_STATE", ret);
	ret = all_msrs(c, VMXHV_SET_MSRS, &a);
	if (ret)
		return fail(c, "SET_MSRS", ret);
	ret = all_groups(c, VMXHV_GET_STATE, &b);
	if (!ret)
		ret = all_msrs(c, VMXHV_GET_MSRS, &b);
	if (ret)
		return fail(c, "GET again", ret);
	compare(c, &a, &b);
}

bool round_trip(struct cpu *c)
{
	struct vmxhv_run_args args = { .size = sizeof(args), .flags = VMXHV_RUN_COMPLETE_ONLY };
	static uint32_t seed = 1;
	int one_in = rate();

	if (!one_in)
		return false;
	seed = seed * 1103515245 + 12345;
	if ((seed >> 16) % one_in)
		return false;
	/* what the last exit left is the old state's, and an EOI is an exit like any other */
	if (call(c->fd, VMXHV_RUN, &args))
		return false;
	if (c->run->exit_reason != VMXHV_EXIT_NONE)
		return true;
	there_and_back(c);
	return false;
}

void round_trip_done(struct cpu *c)
{
	if (!rate() || !c->round_trips)
		return;
	tap_note("%d round trips", c->round_trips);
	tap_ok(!failed, "all state, read and written back");
}
