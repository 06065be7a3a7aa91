// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vector state in both directions: what a guest has in its registers it finds there again, whatever
 * another VM and the host do between its exits; and the host's own registers are left alone.
 */
#include <string.h>
#include <sys/syscall.h>

#include "machine.h"
#include "tap.h"

enum { SSE, AVX, AVX512, FRESH };

static const struct level {
	const char *name;
	int bytes, registers;
} levels[] = {
	{ "SSE", 16, 16 }, { "AVX", 32, 16 }, { "AVX-512", 64, 32 },
};

static uint8_t host_in[64 * 16], host_out[64 * 16];

static bool supported(int level)
{
	__builtin_cpu_init();
	if (level == AVX512)
		return __builtin_cpu_supports("avx512f");
	return level == SSE || __builtin_cpu_supports("avx");
}

#define LOAD(insn, reg, n, size)	insn " " #n "*" #size "(%[in]), %%" #reg #n "\n\t"
#define STORE(insn, reg, n, size)	insn " %%" #reg #n ", " #n "*" #size "(%[out])\n\t"
#define EIGHT(what, insn, reg, size)						\
	what(insn, reg, 0, size) what(insn, reg, 1, size) what(insn, reg, 2, size)	\
	what(insn, reg, 3, size) what(insn, reg, 4, size) what(insn, reg, 5, size)	\
	what(insn, reg, 6, size) what(insn, reg, 7, size)

/* RUN as a bare system call, with the host's canaries in the registers around it. */
#define RUN_WITH(insn, reg, size)						\
	asm volatile(EIGHT(LOAD, insn, reg, size) "syscall\n\t"			\
		     EIGHT(STORE, insn, reg, size)				\
		     : "+a" (ret)						\
		     : "D" ((long)c->fd), "S" (VMXHV_RUN), "d" (&args),		\
		       [in] "r" (host_in), [out] "r" (host_out)			\
		     : "rcx", "r11", "memory")

static long run_with_canaries(struct cpu *c, int level)
{
	struct vmxhv_run_args args = { .size = sizeof(args) };
	long ret = SYS_ioctl;

	if (level == AVX512)
		RUN_WITH("vmovups", zmm, 64);
	else if (level == AVX)
		RUN_WITH("vmovups", ymm, 32);
	else
		RUN_WITH("movups", xmm, 16);
	return ret;
}

static void prepare(struct cpu *c, int level, uint32_t seed)
{
	const uint32_t mxcsr = 0x1f80 | seed << 13;	/* another rounding mode for each */
	const double pi = 3.14159 * seed;
	uint8_t *data = c->m->ram + DATA_BASE;

	fill_seeded(data, 0x800, seed);
	memset(data + 0x1000, 0, 0x1000);
	memcpy(data + 0x800, &mxcsr, 4);
	memcpy(data + 0x808, &pi, 8);
	cpu_start(c, MODE_LONG, level);
}

static bool kept(struct cpu *c, int level)
{
	const uint8_t *data = c->m->ram + DATA_BASE;
	const struct level *l = &levels[level];
	bool good = !memcmp(data, data + 0x1000, l->bytes * l->registers);

	if (level == SSE)
		good = good && !memcmp(data + 0x800, data + 0x1800, 4) &&
		       !memcmp(data + 0x808, data + 0x1808, 8);
	if (level == AVX512)
		good = good && !memcmp(data + 0x800, data + 0x1800, 2) &&
		       !memcmp(data + 0x808, data + 0x1808, 2);
	return good;
}

/* Two guests take turns, exit by exit. */
static void take_turns(struct cpu *a, struct cpu *b, int level)
{
	int length = levels[level].bytes * 8, turns = 0;
	bool host_kept = true, ended[2] = {};
	struct cpu *cpus[2] = { a, b };

	prepare(a, level, 1);
	prepare(b, level, 2);
	for (; !(ended[0] && ended[1]) && turns < 40; turns++) {
		struct cpu *c = cpus[turns & 1];
		const struct vmxhv_exit_io *io = &c->run->u.io;

		if (ended[turns & 1])
			continue;
		fill_seeded(host_in, length, 77 + turns);
		memset(host_out, 0, sizeof(host_out));
		if (run_with_canaries(c, level) || c->run->exit_reason != VMXHV_EXIT_IO) {
			note_exit(c);
			break;
		}
		host_kept = host_kept && !memcmp(host_in, host_out, length);
		ended[turns & 1] = io->port == PORT_DONE;
	}
	tap_ok(ended[0] && ended[1], "%s: both guests ended", levels[level].name);
	tap_ok(host_kept, "%s: the host's registers are as they were", levels[level].name);
	tap_ok(kept(a, level), "%s: the first guest's are", levels[level].name);
	tap_ok(kept(b, level), "%s: the second guest's are", levels[level].name);
}

/* What the host has in its registers is none of a new vCPU's business. */
static void fresh(struct machine *m)
{
	int level = supported(AVX512) ? AVX512 : supported(AVX) ? AVX : SSE;
	uint8_t *out = m->ram + DATA_BASE + 0x1000;
	bool zero = true;
	struct cpu c;

	cpu_create(m, &c, 1);
	memset(out, 0xff, 0x1000);
	memset(out + 0x800, 0, 16);
	cpu_start(&c, MODE_LONG, FRESH + level);
	fill_seeded(host_in, sizeof(host_in), 99);
	run_with_canaries(&c, level);
	for (int i = 0; i < levels[level].bytes * levels[level].registers; i++)
		zero = zero && !out[i];
	tap_ok(c.run->exit_reason == VMXHV_EXIT_IO && zero && !out[0x800] && !out[0x808],
	       "%s: a new vCPU's registers are zero", levels[level].name);
	cpu_destroy(&c);
}

int main(void)
{
	struct machine m[2];
	struct cpu c[2];

	two_guests_create(m, c, "fpu");
	fresh(&m[0]);
	for (int level = SSE; level <= AVX512; level++) {
		if (supported(level))
			take_turns(&c[0], &c[1], level);
		else
			tap_skip(levels[level].name, "this CPU has none");
	}
	two_guests_destroy(m, c);
	return tap_done();
}
