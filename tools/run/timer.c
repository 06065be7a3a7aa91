// SPDX-License-Identifier: GPL-2.0-only
/* One timer for all devices that are due at some time: it wakes the control thread. */
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"
#include "util.h"

#define NSEC		1000000000ll

/* No more expiries than one in so many nanoseconds, whatever period the guest asks for. */
#define SHORTEST	50000

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NSEC + now.tv_nsec;
}

uint64_t machine_now(void *opaque)
{
	(void)opaque;
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t machine_date(void *opaque)
{
	(void)opaque;
	return clock_ns(CLOCK_REALTIME);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The clock is due by the date, the others by the time since the host was started. */
static uint64_t next_due(const struct machine *machine, uint64_t now)
{
	const int64_t rtc = vmxhv_rtc_next(&machine->rtc), date = machine_date(NULL);
	uint64_t next = UINT64_MAX;

	if (rtc != VMXHV_RTC_NEVER)
		next = now + (rtc > date ? rtc - date : 0);
	if (machine->options->pc)
		next = sooner(next, sooner(vmxhv_pit_next(&machine->pc.pit),
					   acpi_pm_next(&machine->pc.pm)));
	return next;
}

void timer_arm(void *opaque)
{
	struct machine *machine = opaque;
	const uint64_t now = machine_now(NULL);
	uint64_t next = next_due(machine, now);
	struct itimerspec when = { 0 };

	if (next != UINT64_MAX) {
		next = next > now + SHORTEST ? next : now + SHORTEST;
		when.it_value.tv_sec = next / NSEC;
		when.it_value.tv_nsec = next % NSEC;
	}
	timerfd_settime(machine->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void timer_run(struct machine *machine)
{
	uint64_t times;

	if (read(machine->timer_fd, &times, sizeof(times)) < 0)
		return;
	vmxhv_rtc_run(&machine->rtc);
	if (machine->options->pc) {
		vmxhv_pit_run(&machine->pc.pit);
		acpi_pm_run(&machine->pc.pm);
	}
	timer_arm(machine);
}

void timer_create_fd(struct machine *machine)
{
	machine->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (machine->timer_fd < 0)
		die(STATUS_HOST, "timerfd: %s", strerror(errno));
}
