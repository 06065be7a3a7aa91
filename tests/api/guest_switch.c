// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two vCPUs of two VMs and a thread of the host's on one CPU, each with values of its own in
 * vector, mask and debug registers, preempted while they look at them: nobody meets another's.
 */
#define _GNU_SOURCE
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine.h"
#include "switch.h"
#include "tap.h"

enum { SSE, AVX, AVX512 };

#define TICKS		12000000	/* 60 jiffies of the emulated machine */
#define DR7_WATCH	0xd0401		/* DR0: writes to four bytes */
#define DR7_NOTHING	0x400
#define LEAST_SWITCHES	5

static const char *const level_names[] = { "SSE", "AVX", "AVX-512" };

static struct machine m[2];
static struct cpu c[2];

static int highest_level(void)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f"))
		return AVX512;
	return __builtin_cpu_supports("avx") ? AVX : SSE;
}

static void prepare(struct cpu *cpu, int level, uint32_t seed, uint64_t dr7, uint64_t ticks)
{
	uint8_t *data = cpu->m->ram + DATA_BASE;

	fill_seeded(data, SW_MASKS, seed);
	memset(data + SW_MASKS, 0, 64);
	for (int i = 0; i < 8; i++)
		fill_seeded(data + SW_MASKS + 8 * i, 2, seed + i);
	memcpy(data + SW_DR7, &dr7, 8);
	memcpy(data + SW_TICKS, &ticks, 8);
	memset(data + SW_OUT, 0, 0x1000);
	cpu_start(cpu, MODE_LONG, level);
}

/* ---- the host's thread ----------------------------------------------------------------------- */

struct host {
	int level, wrong, writes;
	long long hits;		/* -1: there is no such counter */
	volatile bool stop;
	volatile int watched;
};

static int open_breakpoint(volatile int *at)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr), .bp_type = HW_BREAKPOINT_W,
		.bp_addr = (uintptr_t)at, .bp_len = HW_BREAKPOINT_LEN_4, .exclude_kernel = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

#define LOAD(insn, reg, n, size)	insn " " #n "*" #size "(%[in]), %%" #reg #n "\n\t"
#define STORE(insn, reg, n, size)	insn " %%" #reg #n ", " #n "*" #size "(%[out])\n\t"
#define MASK_IN(n)	"kmovw 1024+" #n "*8(%[in]), %%k" #n "\n\t"
#define MASK_OUT(n)	"kmovw %%k" #n ", 1024+" #n "*8(%[out])\n\t"
#define SIXTEEN(what, insn, reg, size)							\
	what(insn, reg, 0, size) what(insn, reg, 1, size) what(insn, reg, 2, size)	\
	what(insn, reg, 3, size) what(insn, reg, 4, size) what(insn, reg, 5, size)	\
	what(insn, reg, 6, size) what(insn, reg, 7, size) what(insn, reg, 8, size)	\
	what(insn, reg, 9, size) what(insn, reg, 10, size) what(insn, reg, 11, size)	\
	what(insn, reg, 12, size) what(insn, reg, 13, size) what(insn, reg, 14, size)	\
	what(insn, reg, 15, size)
#define MASKS(what)									\
	what(1) what(2) what(3) what(4) what(5) what(6) what(7)

/* Kept in the registers for a while, in which this thread is preempted now and then. */
#define KEEP(insn, reg, size, masks_in, masks_out)					\
	asm volatile(SIXTEEN(LOAD, insn, reg, size) masks_in				\
		     "1: pause; dec %[n]; jnz 1b\n\t"					\
		     SIXTEEN(STORE, insn, reg, size) masks_out				\
		     : [n] "+r" (n)							\
		     : [in] "r" (in), [out] "r" (out)					\
		     : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",	\
		       "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",	\
		       "xmm13", "xmm14", "xmm15")

static void keep(int level, const uint8_t *in, uint8_t *out)
{
	long n = 3000;

	if (level == AVX512)
		KEEP("vmovups", zmm, 64, MASKS(MASK_IN), MASKS(MASK_OUT));
	else if (level == AVX)
		KEEP("vmovups", ymm, 32, "", "");
	else
		KEEP("movups", xmm, 16, "", "");
}

static void *host_thread(void *arg)
{
	static uint8_t in[2048], out[2048];
	struct host *h = arg;
	const int fd = open_breakpoint(&h->watched);
	const int bytes = 16 << h->level;

	for (; !h->stop; h->writes++) {
		fill_seeded(in, 16 * bytes, 500 + h->writes);
		memset(in + 1024, 0, 64);
		for (int i = 1; h->level == AVX512 && i < 8; i++)
			fill_seeded(in + 1024 + 8 * i, 2, h->writes + i);
		memset(out, 0, sizeof(out));
		keep(h->level, in, out);
		h->wrong += !!memcmp(in, out, 16 * bytes);
		h->wrong += h->level == AVX512 && memcmp(in + 1024, out + 1024, 64);
		h->watched = h->writes;
	}
	if (fd < 0 || read(fd, &h->hits, sizeof(h->hits)) != sizeof(h->hits))
		h->hits = -1;
	if (fd >= 0)
		close(fd);
	return NULL;
}

/* ---- the guests' ----------------------------------------------------------------------------- */

struct guest {
	struct cpu *cpu;
	int ret;
	long switches;
};

static void *guest_thread(void *arg)
{
	struct guest *g = arg;
	struct rusage usage;

	g->ret = run_guest(g->cpu);
	getrusage(RUSAGE_THREAD, &usage);
	g->switches = usage.ru_nivcsw;
	return NULL;
}

static void judge(const struct guest *g, const char *level, const char *who, bool watches)
{
	const struct cpu *cpu = g->cpu;
	const uint32_t *v = cpu->values;

	if (!tap_ok(!g->ret && cpu->nr_values == 3 && v[0] > 100, "%s: %s guest ended", level,
		    who))
		return;
	tap_note("preempted %ld times; %u rounds, %u with foreign registers, %u hits",
		 g->switches, v[0], v[1], v[2]);
	tap_ok(g->switches >= LEAST_SWITCHES, "%s: %s guest was preempted", level, who);
	tap_ok(!v[1], "%s: %s guest had its own vector registers", level, who);
	tap_ok(v[2] == (watches ? v[0] : 0), "%s: %s guest's watchpoint was %s", level, who,
	       watches ? "hit each time" : "not hit");
}

static void judge_host(const struct host *h, const char *level)
{
	tap_note("%d rounds, %d with foreign registers, %lld hits", h->writes, h->wrong, h->hits);
	tap_ok(h->writes > 50 && !h->wrong, "%s: the host had its own vector registers", level);
	if (h->hits < 0)
		tap_skip("the host's watchpoint", "perf has none here");
	else
		tap_ok(h->hits == h->writes, "%s: the host's watchpoint was hit each time", level);
}

static void all_at_once(int level)
{
	struct guest guests[2] = { { .cpu = &c[0] }, { .cpu = &c[1] } };
	struct host host = { .level = level };
	pthread_t t[3];

	prepare(&c[0], level, 1, DR7_WATCH, TICKS);
	prepare(&c[1], level, 2, DR7_NOTHING, TICKS);
	pthread_create(&t[2], NULL, host_thread, &host);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, guest_thread, &guests[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	host.stop = true;
	pthread_join(t[2], NULL);
	judge(&guests[0], level_names[level], "first", true);
	judge(&guests[1], level_names[level], "second", false);
	judge_host(&host, level_names[level]);
}

/* A thread that runs a guest keeps its own: they come back when RUN returns, not by a switch. */
static void own_breakpoint(void)
{
	volatile int watched = 0;
	const int fd = open_breakpoint(&watched);
	long long hits;

	if (fd < 0) {
		tap_skip("the vCPU thread's watchpoint", "perf has none here");
		return;
	}
	for (int i = 0; i < 3; i++) {
		prepare(&c[0], SSE, 1, DR7_WATCH, TICKS / 100);
		run_guest(&c[0]);
		watched = i;
	}
	if (read(fd, &hits, sizeof(hits)) != sizeof(hits))
		hits = -1;
	close(fd);
	tap_equal(hits, 3, "the vCPU thread's watchpoint is hit behind each RUN");
}

int main(void)
{
	two_guests_create(m, c, "switch");
	for (int level = SSE; level <= AVX512; level++) {
		if (level <= highest_level())
			all_at_once(level);
		else
			tap_skip(level_names[level], "this CPU has none");
	}
	own_breakpoint();
	two_guests_destroy(m, c);
	return tap_done();
}
