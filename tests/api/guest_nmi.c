// SPDX-License-Identifier: GPL-2.0-only
/* NMIs: how many are kept, and that one guest's blocking is not another's. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"
#include "refusal.h"
#include "state.h"
#include "tap.h"

enum { NMI_MANY, NMI_ONE, NMI_HALTED };

static struct machine m[2];
static struct cpu c[2];

static bool at_request(struct cpu *cpu)
{
	int ret = run_guest(cpu);

	if (ret == VMXHV_EXIT_IO && cpu->run->u.io.port == PORT_ASK)
		return true;
	if (ret >= 0)
		note_exit(cpu);
	return tap_ok(false, "the guest asks for its event");
}

/* More than are taken at once are refused. */
static void nmis(struct cpu *cpu, int count)
{
	struct vmxhv_inject nmi = { .size = sizeof(nmi), .kind = VMXHV_INJECT_NMI };

	while (count--) {
		int ret = call(cpu->fd, VMXHV_INJECT, &nmi);

		if (ret && ret != -EAGAIN)
			tap_bail("INJECT: %s", strerror(-ret));
	}
}

static struct vmxhv_events events_of(struct cpu *cpu)
{
	struct vmxhv_events e = {};

	if (get_group(cpu, VMXHV_STATE_EVENTS, &e, sizeof(e)))
		tap_bail("EVENTS");
	return e;
}

/* SDM "Handling Multiple NMIs": while one is served one waits. */
static void many(void)
{
	cpu_start(&c[0], MODE_LONG, NMI_MANY);
	if (!at_request(&c[0]))
		return;
	nmis(&c[0], 1);
	if (!at_request(&c[0]))
		return;
	tap_equal(events_of(&c[0]).nmi_blocked, 1, "an NMI is served: others are blocked");
	nmis(&c[0], 5);
	tap_equal(events_of(&c[0]).nmi_pending, 1, "five more: one waits, as EVENTS says");
	if (!at_request(&c[0]))
		return;
	nmis(&c[0], 5);
	if (!at_request(&c[0]))
		return;
	nmis(&c[0], 1);
	EXPECT(&c[0], "eleven in three batches while one is served: one more", 2);
}

static void two_at_once(void)
{
	cpu_start(&c[0], MODE_LONG, NMI_ONE);
	if (!at_request(&c[0]))
		return;
	nmis(&c[0], 10);
	tap_equal(events_of(&c[0]).nmi_pending, 2, "ten while none is served: two wait");
	EXPECT(&c[0], "one is served, and one behind it", 2);
}

static void too_many(void)
{
	struct vmxhv_events e = { .nmi_pending = 2, .nmi_blocked = 1 };

	tap_equal(-set_group(&c[0], VMXHV_STATE_EVENTS, &e, sizeof(e)), EINVAL,
		  "EVENTS: two wait while one is served: refused");
	e.nmi_pending = 1;
	tap_equal(set_group(&c[0], VMXHV_STATE_EVENTS, &e, sizeof(e)), 0, "one is not");
}

static void *later(void *arg)
{
	usleep(50000);
	nmis(arg, 1);
	return NULL;
}

/* The first guest stays in its handler; the second one is halted when its NMI comes, or is not. */
static void beside_another(bool halted, const char *name)
{
	int entry = halted ? NMI_HALTED : NMI_ONE;
	pthread_t t;

	cpu_start(&c[0], MODE_LONG, NMI_MANY);
	cpu_start(&c[1], MODE_LONG, entry);
	if (!at_request(&c[0]))
		return;
	nmis(&c[0], 1);
	if (!at_request(&c[0]) || !at_request(&c[1]))
		return;
	tap_equal(events_of(&c[1]).nmi_blocked, 0, "one guest serves an NMI: not the other");
	tap_equal(c[1].run->nmi_blocked, 0, "nor does its run area say so");
	if (halted)
		pthread_create(&t, NULL, later, &c[1]);
	else
		nmis(&c[1], 1);
	EXPECT(&c[1], name, 1);
	if (halted)
		pthread_join(t, NULL);
	tap_equal(events_of(&c[0]).nmi_blocked, 1, "the first one still serves its own");
	at_request(&c[0]);
	at_request(&c[0]);
	EXPECT(&c[0], "and ends it", 1);
}

int main(void)
{
	two_guests_create(m, c, "state");
	many();
	two_at_once();
	too_many();
	beside_another(false, "the other one gets its NMI");
	beside_another(true, "and is woken by it");
	two_guests_destroy(m, c);
	return tap_done();
}
