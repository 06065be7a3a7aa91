// SPDX-License-Identifier: GPL-2.0-only
/* The guest's clock: at the host's rate or another, while it sleeps, and while it is stopped. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "clock.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum { STAMP, SLEEP, TICKS };

/* a slow kernel gets as much more of everything */
#define SLEEP_MS	(20ull * patience(1))
#define STOP_MS		(150ull * patience(1))
#define PERIOD_MS	(10ull * patience(1))
/* what a sleep may take longer than it should, on a machine with other things to do */
#define LATE_MS		(8ull * patience(1))

static struct machine m;
static struct cpu c;
static uint64_t host_khz;
static bool scaling;

static volatile uint64_t *stamps(void)
{
	return (volatile uint64_t *)(m.ram + CLOCK_STAMPS);
}

static struct vmxhv_tsc tsc(void)
{
	struct vmxhv_tsc t;

	get_group(&c, VMXHV_STATE_TSC, &t, sizeof(t));
	return t;
}

/* by case */
static const int interrupts[] = { 0, 1, CLOCK_TICKS };

static void run_clock(unsigned int entry, uint64_t rbx)
{
	struct vmxhv_gprs gprs;
	int ret;

	cpu_start(&c, MODE_LONG, entry);
	get_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
	gprs.gpr[3] = rbx;
	set_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
	do
		ret = run_guest(&c);
	while (ret == -EINTR);
	/* of ticks, two can come at one wake-up */
	tap_ok(ret == VMXHV_EXIT_NONE && c.nr_values >= interrupts[entry] &&
	       (entry == TICKS || c.nr_values == interrupts[entry]),
	       "%d interrupts came", interrupts[entry]);
}

/* What the guest's TSC is when the host's is @host, in whole numbers of 128 bits. */
static uint64_t guest_tsc(uint64_t host, const struct vmxhv_tsc *t)
{
	return (uint64_t)((__uint128_t)host * t->khz / host_khz) + t->offset;
}

/* The guest's clock and the host's agree; then so do a sleep's length in the one and the other. */
static void at_rate(uint64_t khz, const char *name)
{
	struct vmxhv_tsc t = tsc();
	uint64_t before, after, seen, msr, slept, took;

	t.khz = khz;
	tap_equal(-set_group(&c, VMXHV_STATE_TSC, &t, sizeof(t)), 0, name);
	t = tsc();
	tap_equal(t.khz, khz ? khz : host_khz, "the rate can be read back");

	before = guest_tsc(__rdtsc(), &t);
	run_clock(STAMP, 0);
	after = guest_tsc(__rdtsc(), &t) + 1;
	seen = stamps()[0];
	tap_ok(before - 1 <= seen && seen <= after, "RDTSC: %" PRIu64 " to %" PRIu64 ", %" PRIu64,
	       before, after, seen);
	get_msr(&c, 0x10, &msr);
	tap_ok(after - 1 <= msr && msr <= guest_tsc(__rdtsc(), &t) + 1, "IA32_TSC agrees");

	before = __rdtsc();
	run_clock(SLEEP, t.khz * SLEEP_MS);
	took = (__rdtsc() - before) / host_khz;
	slept = (stamps()[1] - stamps()[0]) / t.khz;
	tap_ok(slept >= SLEEP_MS && slept < SLEEP_MS + LATE_MS,
	       "the guest slept for %" PRIu64 " ms of its own", slept);
	tap_ok(took >= SLEEP_MS && took < SLEEP_MS + LATE_MS, "which the host saw as %" PRIu64,
	       took);
}

static void expect_refusal(uint64_t khz, const char *name)
{
	const struct vmxhv_tsc was = tsc();
	struct vmxhv_tsc t = was;
	int ret;

	t.khz = khz;
	t.offset += 12345;
	ret = set_group(&c, VMXHV_STATE_TSC, &t, sizeof(t));
	expect_error(c.fd, ret, EINVAL, VMXHV_ERR_STATE, offsetof(struct vmxhv_tsc, khz), NULL,
		     name);
	t = tsc();
	tap_ok(!memcmp(&t, &was, sizeof(t)), "and nothing was changed");
}

/* WRMSR of the TSC shows in TSC_ADJUST, by the guest's cycles. */
static void adjusted(void)
{
	struct vmxhv_tsc t = tsc();
	uint64_t before, seen;

	t.adjust = 0;
	set_group(&c, VMXHV_STATE_TSC, &t, sizeof(t));
	before = guest_tsc(__rdtsc(), &t);
	tap_equal(set_msr(&c, 0x10, 1000000), 0, "IA32_TSC is set");
	run_clock(STAMP, 0);
	seen = stamps()[0];
	tap_ok(seen >= 1000000 && seen - 1000000 <= guest_tsc(__rdtsc(), &t) - before,
	       "the guest goes on from there");
	t.adjust = 0;
	set_group(&c, VMXHV_STATE_TSC, &t, sizeof(t));
}

/* ---- SIGSTOP --------------------------------------------------------------------------------- */

/* A child stops us in a while, and lets us go on after STOP_MS. */
static pid_t stop_later(unsigned int after_ms)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();

	if (pid)
		return pid;
	usleep(after_ms * 1000);
	kill(parent, SIGSTOP);
	usleep(STOP_MS * 1000);
	kill(parent, SIGCONT);
	_exit(0);
}

static void stopped_in_sleep(void)
{
	const pid_t pid = stop_later(SLEEP_MS / 2);
	const uint64_t khz = tsc().khz;
	uint64_t before = __rdtsc(), slept, took;

	run_clock(SLEEP, khz * SLEEP_MS);
	took = (__rdtsc() - before) / host_khz;
	slept = (stamps()[1] - stamps()[0]) / khz;
	waitpid(pid, NULL, 0);
	tap_ok(took >= STOP_MS, "stopped while it slept: for %" PRIu64 " ms", took);
	tap_ok(slept >= STOP_MS && slept <= took + 1, "to the guest it was %" PRIu64 " ms", slept);
}

/* Ticks that were missed are one, and those that follow come when they would have come. */
static void stopped_while_ticking(void)
{
	const pid_t pid = stop_later(3 * PERIOD_MS);
	const uint64_t period = host_khz * PERIOD_MS;
	const uint64_t khz = tsc().khz;
	int late = 0, gaps = 0;
	uint64_t first;

	run_clock(TICKS, period);
	waitpid(pid, NULL, 0);
	first = stamps()[0];
	for (int i = 1; i < CLOCK_TICKS; i++) {
		const uint64_t ms = (stamps()[i] - stamps()[i - 1]) / khz;
		const uint64_t phase = (stamps()[i] - first) / khz % PERIOD_MS;

		gaps += ms >= STOP_MS - PERIOD_MS;
		/* the one that waited for the stop's end has no phase; the first was late too */
		late += ms < STOP_MS - PERIOD_MS && phase > PERIOD_MS / 2 &&
			phase < PERIOD_MS - PERIOD_MS / 8;
	}
	tap_equal(gaps, 1, "a periodic timer: stopped once");
	tap_ok(late <= 1, "and no drift: %d ticks came at another time", late);
}

int main(void)
{
	struct vmxhv_info info = { .size = sizeof(info) };

	machine_create(&m, 1 << 20);
	load_guest(&m, "clock");
	if (call(m.dev, VMXHV_GET_INFO, &info))
		tap_bail("GET_INFO");
	host_khz = info.tsc_khz;
	scaling = info.features[0] & VMXHV_FEATURE_TSC_SCALING;
	cpu_create(&m, &c, 0);
	at_rate(0, "the host's rate");
	stopped_in_sleep();
	stopped_while_ticking();
	adjusted();
	if (scaling) {
		at_rate(host_khz / 2, "half the host's rate");
		stopped_in_sleep();
		at_rate(host_khz * 5 / 3, "five thirds");
		adjusted();
		expect_refusal(999, "a rate below 1 MHz");
		expect_refusal(host_khz * 64 + 1, "a rate beyond 64 times the host's");
	} else {
		expect_refusal(host_khz / 2, "another rate, without TSC scaling");
	}
	at_rate(host_khz, "the host's again");
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
